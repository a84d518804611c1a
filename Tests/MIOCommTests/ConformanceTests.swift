import CommunicatorConformance
import MIOBase
import MIOComm
import Testing

@Suite struct ConformanceTests {
    @Test func loopbackConforms() throws {
        let communicator = LoopbackCommunicator()
        let report = try checkConformance(of: communicator)
        #expect(report.failures == [])
        #expect(report.checks == 38)
        #expect(communicator.name == "loopback")
        communicator.finalize()
        communicator.finalize()
    }

    @Test(arguments: [(1, 1), (2, 2), (3, 3), (4, 4), (2, 1), (4, 2), (4, 1), (6, 2), (8, 4)])
    func inProcessConforms(worldSize: Int, groupSize: Int) throws {
        let reports = try InProcessCommunicator.run(worldSize: worldSize, groupSize: groupSize) {
            communicator in
            let report = try checkConformance(of: communicator)
            try communicator.finalize()
            try communicator.finalize()
            return report
        }
        #expect(reports.count == worldSize)
        for report in reports {
            #expect(report.failures == [])
            #expect(report.checks == 38)
        }
    }

    /// The suite is only worth something if it finds what is wrong.
    @Test func aBrokenCommunicatorDoesNotConform() throws {
        let report = try checkConformance(of: BrokenCommunicator())
        #expect(report.failures.contains { $0.hasPrefix("rank 0: sums of floats: sums: expected [") })
        #expect(report.failures.contains { $0.hasPrefix("rank 0: statistics: collectives: expected 4") })
    }
}

/// A loopback whose sums of floats are twice what they should be, and which counts nothing.
private final class BrokenCommunicator: Communicator {
    private let loopback = LoopbackCommunicator()
    let group = RankGroup(worldRank: 0, worldSize: 1, size: 1)
    let statistics = CommunicationStatistics()

    var rank: Int { 0 }
    var size: Int { 1 }
    var name: String { "broken" }
    var ranksOnMachine: Int { 1 }
    var rankOnMachine: Int { 0 }

    func allreduceSum(_ values: UnsafeMutablePointer<Float>, count: Int) {
        for i in 0..<count { values[i] *= 2 }
    }
    func allreduceSum(_ values: UnsafeMutablePointer<Double>, count: Int) {}
    func allreduceMax(_ value: Double) -> Double { value }
    func reserve(sums count: Int) { loopback.reserve(sums: count) }
    func startSumBetweenGroups(
        _ values: UnsafeMutablePointer<Float>, count: Int, order: SumBetweenGroups, number: Int
    ) {
        loopback.startSumBetweenGroups(values, count: count, order: order, number: number)
    }
    func shareMemory(byteCount: Int) -> SharedMemory { loopback.shareMemory(byteCount: byteCount) }
    func gatherBetweenGroups(_ rows: UnsafeMutablePointer<Double>, count: Int) {}
    func broadcastBetweenGroups(_ bytes: UnsafeMutableRawBufferPointer) {}
    func progress() {}
    func waitForSum(_ number: Int) { loopback.waitForSum(number) }
    func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) {}
    func broadcast(_ bytes: [UInt8], root: Int) -> [UInt8] { bytes }
    func gather(_ bytes: [UInt8], root: Int) -> [[UInt8]]? { [bytes] }
    func allgather(_ bytes: [UInt8]) -> [[UInt8]] { [bytes] }
    func barrier() {}
    func add(_ statistics: CommunicationStatistics) {}
    func abort(_ code: ExitCode) -> Never { loopback.abort(code) }
    func finalize() {}
}
