import Foundation
import MIOBase
import MIODaemonClient
import TestFolders
import Testing

@Suite struct DaemonPlacesTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func followsTheEnvironment() {
        #expect(
            DaemonPlaces.socket(environment: ["XDG_RUNTIME_DIR": folder.path]) == folder.path
                + "/mio/coordinator.sock")
        #expect(DaemonPlaces.socket(environment: [:]) == "/tmp/mio-\(geteuid())/coordinator.sock")
        #expect(DaemonPlaces.stateFolder(environment: ["XDG_STATE_HOME": "/s", "HOME": "/h"]) == "/s/mio")
        #expect(DaemonPlaces.stateFolder(environment: ["HOME": "/h"]) == "/h/.local/state/mio")
    }

    @Test func makesFoldersForTheUserAlone() throws {
        let path = folder.path("a/b")
        try DaemonPlaces.createPrivate(path)
        try DaemonPlaces.createPrivate(path)
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o700)
    }

    @Test func refusesFoldersThatOthersHaveMade() throws {
        let path = folder.path("open")
        #expect(mkdir(path, 0o700) == 0)
        #expect(chmod(path, 0o777) == 0)
        #expect(throws: RunError.self) { try DaemonPlaces.createPrivate(path) }
        #expect(symlink(folder.path, folder.path("link")) == 0)
        #expect(throws: RunError.self) { try DaemonPlaces.createPrivate(folder.path("link")) }
        // Only root can give a folder away, and so test it.
        if geteuid() == 0 {
            #expect(mkdir(folder.path("theirs"), 0o700) == 0)
            #expect(chown(folder.path("theirs"), 65_534, 65_534) == 0)
            #expect(throws: RunError.self) { try DaemonPlaces.createPrivate(folder.path("theirs")) }
        }
    }
}
