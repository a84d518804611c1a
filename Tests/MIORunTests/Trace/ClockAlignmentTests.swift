import Foundation
import MIOComm
import MIORun
import MIOThreads
import Testing

@Suite struct ClockAlignmentTests {
    /// Ranks of one machine have its clock: all take rank 0's time as it is.
    @Test func ranksOfAMachineAgree() throws {
        let before = MonotonicClock.nanoseconds
        let origins = try InProcessCommunicator.run(worldSize: 3) { communicator in
            let alignment = try ClockAlignment(communicator)
            return (host: alignment.host, origin: alignment.origin)
        }
        let after = MonotonicClock.nanoseconds
        #expect(origins.count == 3)
        for found in origins {
            #expect(found.host == ProcessInfo.processInfo.hostName)
            #expect(found.origin == origins[0].origin)
        }
        #expect((before...after).contains(origins[0].origin))
    }

    @Test func aRankAloneTakesItsOwn() throws {
        let before = MonotonicClock.nanoseconds
        let alignment = try ClockAlignment(LoopbackCommunicator())
        #expect((before...MonotonicClock.nanoseconds).contains(alignment.origin))
    }
}
