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

    @Test(arguments: [0..<0, 3..<4, 5..<21, 7..<1000], [1, 16])
    func sharesAreTheWhole(range: Range<Int>, unit: Int) {
        for count in 1...5 {
            let shares = (0..<count).map { range.share(of: $0, among: count, unit: unit) }
            #expect(shares.flatMap { Array($0) } == Array(range))
            for share in shares where share.lowerBound < range.upperBound {
                #expect((share.lowerBound - range.lowerBound) % unit == 0)
            }
            let sizes = shares.map(\.count)
            #expect(sizes.max()! - sizes.min()! < 2 * unit)
        }
    }

    /// Work that refers to the team goes with the run: nothing of it is left to a helper, on which the team would end.
    @Test func workMayReferToItsTeam() throws {
        final class Holder {
            let team: ThreadTeam
            var members = 0
            init() throws { team = try ThreadTeam(count: 2) }
        }
        for _ in 0..<20_000 {
            let holder = try Holder()
            holder.team.run { member in if member == 0 { holder.members += 1 } }
            #expect(holder.members == 1)
        }
    }
}
