import MIOBase
import MIOMachine
import MIOTuning
import SmallJobs
import Testing

@Suite struct ModelMemoryTests {
    private func limit(_ bytes: Int) -> MemoryLimit { MemoryLimit(bytes: bytes, text: "there are \(bytes)") }

    /// 8·6 + 8 and 8·3 + 3 and 8·2 + 2 weights; Adam has two slots; the largest call has 6 + 8 values.
    @Test func isWhatTheShapesSay() throws {
        let job = try SmallJob().job()
        let weights = 4 * (56 + 27 + 18)
        let trained = ModelMemory(job, trains: true)
        #expect(trained.shared == 3 * weights)
        #expect(trained.ofRank == weights + 4 * 14)
        #expect(trained.checkpoint == 3 * weights)
        let used = ModelMemory(job, trains: false)
        #expect(used.shared == weights && used.ofRank == 4 * 14 && used.checkpoint == 0)
        // A lower bound of what the plan finds.
        let needed = 6 * weights + 2 * (weights + 56)
        try trained.verify(ranks: 2, machine: limit(needed), process: nil)
        let error = #expect(throws: RunError.self) {
            try trained.verify(ranks: 2, machine: limit(needed - 1), process: nil)
        }
        #expect(error?.exitCode == .inputOutput)
        #expect(error?.message.contains("most of it by layer \"hidden\" (Dense), ") == true)
        #expect(error?.message.contains("; there are \(needed - 1); ") == true)
        #expect(throws: RunError.self) {
            try trained.verify(ranks: 1, machine: limit(.max), process: limit(1000))
        }
    }

    @Test func sizesBeyondAllMemoryAreRefusedWithoutOverflow() throws {
        let job = try SmallJob().job("model.layers[0].units=2147483647")
        let memory = ModelMemory(job, trains: true)
        #expect(memory.shared == 3 * 4 * (7 * 2_147_483_647 + 5 * 2_147_483_647 + 5))
        #expect(throws: RunError.self) {
            try memory.verify(ranks: .max, machine: limit(.max - 1), process: nil)
        }
    }
}
