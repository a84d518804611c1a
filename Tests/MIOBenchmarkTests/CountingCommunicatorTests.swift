import CommunicatorConformance
import MIOBenchmark
import MIOComm
import Testing

@Suite struct CountingCommunicatorTests {
    /// What it wraps shows through unchanged.
    @Test func conforms() throws {
        let reports = try InProcessCommunicator.run(worldSize: 2) { base in
            let communicator = CountingCommunicator(base, allocationCount: { 0 })
            let report = try checkConformance(of: communicator)
            try communicator.finalize()
            return report
        }
        for report in reports {
            #expect(report.failures == [])
            #expect(report.checks == 38)
        }
    }

    /// Two looks at the counter around each call, and none elsewhere.
    @Test func addsUpWhatHappensInsideCalls() throws {
        var count = 0
        let communicator = CountingCommunicator(LoopbackCommunicator()) {
            defer { count += 3 }
            return count
        }
        #expect(communicator.allocations == 0)
        var values: [Double] = [1, 2]
        try communicator.allreduceSum(&values, count: 2)
        #expect(communicator.allocations == 3)
        count += 100
        try communicator.barrier()
        #expect(communicator.allocations == 6)
    }
}
