import MIOMachine
import Testing

@Suite struct ControlGroupsTests {
    private func groups(_ membership: String, _ files: [String: String]) -> ControlGroups {
        ControlGroups(membership: membership) { files["\($0.dropFirst("/sys/fs/cgroup".count))"] }
    }

    private func quota(_ membership: String, _ files: [String: String]) -> Double? {
        groups(membership, files).cpus
    }

    @Test func memoryHasLimitsToo() {
        #expect(groups("0::/a\n", ["/a/memory.max": "max\n", "/memory.max": "1048576\n"]).memory == 0x1p20)
        #expect(
            groups("4:memory:/a\n0::/\n", ["/memory/a/memory.limit_in_bytes": "1048576\n"]).memory == 0x1p20)
        let unlimited = ["/memory/memory.limit_in_bytes": "9223372036854771712\n"]
        #expect(groups("4:memory:/\n", unlimited).memory == nil)
        #expect(groups("", [:]).memory == nil)
    }

    @Test func theSmallestOfAGroupAndThoseAboveItCounts() {
        let files = [
            "/a/b/cpu.max": "max 100000\n", "/a/cpu.max": "150000 100000\n", "/cpu.max": "400000 100000",
        ]
        #expect(quota("0::/a/b\n", files) == 1.5)
        #expect(quota("0::/c\n", files) == 4)
        #expect(quota("0::/a/b\n", ["/a/b/cpu.max": "max 100000\n"]) == nil)
    }

    /// A container that sees its own group where its path would be the host's.
    @Test func theRootIsTheGroupInAContainer() {
        #expect(quota("0::/docker/0123\n", ["/cpu.max": "200000 100000\n"]) == 2)
        #expect(
            quota(
                "5:memory:/docker/0123\n4:cpu,cpuacct:/docker/0123\n0::/\n",
                ["/cpu/cpu.cfs_quota_us": "300000\n", "/cpu/cpu.cfs_period_us": "100000\n"]) == 3)
    }

    @Test func withoutALimitThereIsNone() {
        let unlimited = ["/cpu/cpu.cfs_quota_us": "-1\n", "/cpu/cpu.cfs_period_us": "100000\n"]
        #expect(quota("1:cpu:/\n", unlimited) == nil)
        #expect(quota("0::/\n", [:]) == nil)
        #expect(quota("", [:]) == nil)
        #expect(quota("0::/\n", ["/cpu.max": "many 100000"]) == nil)
    }

    @Test func coresAreNoMoreThanTheQuota() {
        let eight = MachineCores(threads: 16, cores: 8)
        #expect(eight.limited(to: nil) == eight)
        #expect(eight.limited(to: 20) == eight)
        #expect(eight.limited(to: 2.5) == MachineCores(threads: 2, cores: 2, isRestricted: true))
        #expect(eight.limited(to: 0.5) == MachineCores(threads: 1, cores: 1, isRestricted: true))
    }

    /// Two hardware threads a core, numbered in both usual ways, and one whose siblings nobody tells.
    @Test func hardwareThreadsOfACoreAreOneCore() {
        let siblings = ["0,4\n", "1,5\n", "2-3\n", "2-3\n", "0,4\n", "1,5\n"]
        func cores(_ threads: [Int]) -> [Int] {
            ThreadsPerRank.cores(ofThreads: threads) { $0 < siblings.count ? siblings[$0] : nil }
        }
        #expect(cores([0, 1, 2, 3, 4, 5]) == [0, 1, 2])
        #expect(cores([4, 5]) == [0, 1])
        #expect(cores([3]) == [2])
        #expect(cores([0, 6]) == [0, 6])
    }

    @Test func ranksShareCoresAndTime() {
        #expect(ThreadsPerRank.share(own: 8, ofMachine: 8, ranks: 2, quota: nil) == 4)
        #expect(ThreadsPerRank.share(own: 4, ofMachine: 8, ranks: 2, quota: nil) == 4)
        #expect(ThreadsPerRank.share(own: 8, ofMachine: 8, ranks: 1, quota: 2.5) == 2)
        #expect(ThreadsPerRank.share(own: 8, ofMachine: 8, ranks: 3, quota: 2) == 1)
        #expect(ThreadsPerRank.share(own: 1, ofMachine: 2, ranks: 4, quota: 100) == 1)
    }
}
