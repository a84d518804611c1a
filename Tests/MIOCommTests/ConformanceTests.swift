import CommunicatorConformance
import MIOComm
import MIOTensor
import Testing

@Suite struct ConformanceTests {
    @Test func loopbackConforms() throws {
        let communicator = LoopbackCommunicator()
        let report = try checkConformance(of: communicator)
        #expect(report.failures == [])
        #expect(report.checks == 27)
        #expect(communicator.name == "loopback")
        communicator.finalize()
        communicator.finalize()
    }

    @Test(arguments: 1...4) func inProcessConforms(worldSize: Int) throws {
        let reports = try InProcessCommunicator.run(worldSize: worldSize) { communicator in
            let report = try checkConformance(of: communicator)
            try communicator.finalize()
            try communicator.finalize()
            return report
        }
        #expect(reports.count == worldSize)
        for report in reports {
            #expect(report.failures == [])
            #expect(report.checks == 27)
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
    let statistics = CommunicationStatistics()

    var rank: Int { 0 }
    var size: Int { 1 }
    var name: String { "broken" }
    var ranksOnNode: Int { 1 }
    var rankOnNode: Int { 0 }

    func allreduceSum(_ values: UnsafeMutablePointer<Float>, count: Int) {
        for i in 0..<count { values[i] *= 2 }
    }
    func allreduceSum(_ values: UnsafeMutablePointer<Double>, count: Int) {}
    func allreduceMax(_ value: Double) -> Double { value }
    func reserve(slots: Int) { loopback.reserve(slots: slots) }
    func startAllreduceSum(_ values: UnsafeMutablePointer<Float>, count: Int, slot: Int) {
        loopback.startAllreduceSum(values, count: count, slot: slot)
    }
    func progress() {}
    func wait(slot: Int) { loopback.wait(slot: slot) }
    func broadcast(_ bytes: UnsafeMutableRawBufferPointer, root: Int) {}
    func broadcast(_ bytes: [UInt8], root: Int) -> [UInt8] { bytes }
    func gather(_ bytes: [UInt8], root: Int) -> [[UInt8]]? { [bytes] }
    func allgather(_ bytes: [UInt8]) -> [[UInt8]] { [bytes] }
    func barrier() {}
    func abort(_ code: ExitCode) -> Never { loopback.abort(code) }
    func finalize() {}
}
