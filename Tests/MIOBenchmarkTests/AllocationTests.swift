import Testing

/// A step after warm-up allocates nothing on its thread. The counter is the same in every run: 0 is a gate.
@Suite struct AllocationTests {
    ///
    /// oneDNN allocates inside its calls, and says so: none of it is counted where oneDNN is not called.
    @Test(arguments: ["two-heads", "image-metadata"], ["native", "reference"])
    func aStepAllocatesNothing(model: String, kernels: String) throws {
        var result = try step(model, kernels, ranks: nil).json()
        #expect(try result.integer("ranks") == 1)
        #expect(try result.integer("allocations_per_step") == 0)
        #expect(try result.integer("communication_allocations_per_step") == 0)
        if model == "two-heads" || kernels == "reference" {
            #expect(try result.integer("onednn_allocations_per_step") == 0)
        }
        // The outputs' sums, labels and three signals, in doubles; alone, gradients are summed already.
        #expect(try result.integer("collectives_per_step") == 1)
        #expect(
            try result.integer("bytes_reduced_per_step")
                == 8 * (model == "two-heads" ? 2 * 3 + 2 * 2 + 3 : 1 + 2 + 3))
    }

    /// Ranks of a machine reduce through shared memory: no call of MPI, and nothing that one would allocate.
    @Test(arguments: ["two-heads", "image-metadata"])
    func aStepOfTwoRanksAllocatesNothingOfItsOwn(model: String) throws {
        var result = try step(model, "native", ranks: 2).json()
        #expect(try result.integer("ranks") == 2)
        #expect(try result.integer("allocations_per_step") == 0)
        #expect(try result.integer("communication_allocations_per_step") == 0)
        // The small models' gradients are one bucket.
        #expect(try result.integer("collectives_per_step") == 2)
    }

    private func step(_ model: String, _ kernels: String, ranks: Int?) throws -> ProgramRun {
        try ProgramRun(
            "mio-bench",
            [
                "run", "--model", model, "--batch-size", "6", "--steps", "20", "--warm-up", "3",
                "--image-side", "16", "--kernels", kernels,
            ], ranks: ranks)
    }

    /// The loop of a whole run: steps that are not logged allocate nothing either, on a timeline or not, with labels missing
    /// or not, with a regularizer and a constraint or not; nor do steps of several stages and the kernels of sequences.
    @Test(arguments: ["two-heads", "image-metadata"], ["native", "reference"])
    func theLoopAllocatesNothing(model: String, kernels: String) throws {
        var result = try ProgramRun("mio-allocation-check", [model, kernels]).json()
        // An instance, a block and a storage of two: the counter counts.
        #expect(try result.integer("known") >= 3)
        // The plain layers of these are an oracle, with arrays of their own.
        for key in ["steps", "missing", "traced", "rules"] + (kernels == "native" ? ["layers"] : []) {
            let steps = try result.integerList(key)
            #expect(steps.count == 59)
            let steady = steps.enumerated().filter { index, _ in index >= 10 && (index + 1) % 10 != 0 }
            #expect(steady.allSatisfy { $0.element == 0 }, "\(key): \(steps)")
        }
    }
}
