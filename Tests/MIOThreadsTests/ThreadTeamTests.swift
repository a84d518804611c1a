import MIOThreads
import Testing

@Suite struct ThreadTeamTests {
    @Test(arguments: [1, 2, 3, 5]) func everyMemberWorksOnceARun(count: Int) throws {
        let team = try ThreadTeam(count: count)
        #expect(team.count == count)
        let runs = UnsafeMutableBufferPointer<Int>.allocate(capacity: count)
        defer { runs.deallocate() }
        runs.initialize(repeating: 0)
        // No lock: each member has its own element, and the owner reads between runs.
        let work: (Int) -> Void = { runs[$0] += 1 }
        for run in 1...1000 {
            team.run(work)
            #expect(runs.allSatisfy { $0 == run })
        }
    }

    @Test func aTeamThatSleepsIsWoken() throws {
        let team = try ThreadTeam(count: 3)
        let runs = UnsafeMutableBufferPointer<Int>.allocate(capacity: 3)
        defer { runs.deallocate() }
        runs.initialize(repeating: 0)
        let monitor = Monitor()
        for run in 1...5 {
            // Longer than anybody stays awake.
            monitor.withLock { monitor.wait(seconds: 0.02) }
            team.run { member in
                if member == run % 3 {
                    let slow = Monitor()
                    slow.withLock { slow.wait(seconds: 0.02) }
                }
                runs[member] += 1
            }
            #expect(Array(runs) == [run, run, run])
        }
    }
}
