import Testing

@Suite struct BenchCommandTests {
    @Test func reportsEveryNumber() throws {
        let run = try ProgramRun(
            "mio-bench", ["run", "--model", "two-heads", "--steps", "7", "--warm-up", "1"], ranks: 1)
        var result = try run.json()
        #expect(try result.string("program") == "mio")
        #expect(try result.integer("batch_size") == 32)
        #expect(try result.integer("steps") == 7)
        // 100 → 32 and 100 → 64 forward and for the weights; 32 → 10 and 64 → 4 for what lies before too.
        #expect(
            try result.integer("flops_per_step") == 32
                * (2 * 2 * 100 * (32 + 64) + 3 * 2 * (32 * 10 + 64 * 4)))
        #expect(try result.real("median_step_milliseconds") >= result.real("fastest_step_milliseconds"))
        #expect(try result.real("steps_per_second") > 0)
        #expect(try result.real("first_step_seconds") > 0)
        #expect(try result.integer("peak_memory_bytes") > 1 << 20)
        // Ten classes and four numbers, at the start: ln 10 and half a variance.
        #expect(try (2.0...3.5).contains(result.real("loss")))
    }

    @Test func refusesNumbersItCannotUse() throws {
        let run = try ProgramRun("mio-bench", ["run", "--model", "two-heads", "--steps", "0"])
        #expect(run.outcome.status == 64)
        #expect(run.outcome.errors.contains("--steps 0: at least 1 is needed"))
        let model = try ProgramRun("mio-bench", ["run", "--model", "three-heads"])
        #expect(model.outcome.status == 64)
        #expect(model.outcome.errors.contains("two-heads"))
    }

    @Test func limitsAreOneLineOfJSON() throws {
        let run = try ProgramRun("mio-bench", ["limits"])
        var result = try run.json()
        #expect(try result.real("sgemm_gflops") > 0)
        #expect(try result.real("triad_gigabytes_per_second") > 0)
        #expect(try result.integer("cores") >= 1)
        try result.finish()
        #expect(run.outcome.output.split(separator: "\n").count == 1)
    }
}
