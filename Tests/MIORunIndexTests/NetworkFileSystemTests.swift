import MIORunIndex
import Testing

@Suite struct NetworkFileSystemTests {
    private let mounts = """
        21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
        30 21 0:40 / /home rw,relatime shared:2 - nfs4 server:/home rw
        31 30 8:2 / /home/my\\040disk rw - xfs /dev/sdb rw
        """

    @Test func findsTheMountThatHoldsAFolder() {
        #expect(NetworkFileSystem.holding("/home/me", mounts: mounts) == "nfs4")
        #expect(NetworkFileSystem.holding("/home", mounts: mounts) == "nfs4")
        #expect(NetworkFileSystem.holding("/homes", mounts: mounts) == nil)
        #expect(NetworkFileSystem.holding("/home/my disk/x", mounts: mounts) == nil)
        #expect(NetworkFileSystem.holding("/var", mounts: mounts) == nil)
        #expect(NetworkFileSystem.holding("/var", mounts: "") == nil)
    }
}
