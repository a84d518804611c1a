import CThreads
import MIOComm
import MIOSystem
import MIOThreads
import Testing

/// To whom a rank that waits gives its core.
@Suite struct GroupCountersTests {
    /// How often rank 0 gives its core away while it waits `rounds` times for rank 1, which comes late each time; and
    /// whether both ran on one core.
    private func wait(rounds: Int, onOneCore: Bool) throws -> (given: Int, isOneCore: Bool) {
        let found = try InProcessCommunicator.run(worldSize: 2) { communicator in
            bindToCore(onOneCore ? 0 : communicator.rank)
            var layout = SharedLayout()
            let place = GroupCounters.place(in: &layout, group: communicator.group)
            let counters = GroupCounters(
                try communicator.shareMemory(byteCount: layout.byteCount), at: place)
            // Now each knows where the other runs.
            try counters.meet()
            try communicator.barrier()
            let before = counters.timesGivenAway
            for _ in 0..<rounds {
                if communicator.rank == 1 { usleep(700) }
                try counters.meet()
            }
            return (given: counters.timesGivenAway - before, core: Int(mio_current_core()))
        }
        return (found[0].given, found[0].core == found[1].core)
    }

    @Test func aPeerOnThisCoreGetsIt() throws {
        // A wait that begins late is soon over.
        #expect(try wait(rounds: 50, onOneCore: true).given > 0)
    }

    /// Whoever else runs here would keep it for milliseconds.
    @Test func nobodyElseDoes() throws {
        let (given, isOneCore) = try wait(rounds: 50, onOneCore: false)
        // Where there is one core only, the other test has said all.
        #expect(given == 0 || isOneCore)
    }
}
