import Testing

@Suite struct BenchCommandTests {
    @Test func reportsEveryNumber() throws {
        let run = try ProgramRun(
            "mio-bench", ["run", "--model", "two-heads", "--steps", "7", "--warm-up", "1"], ranks: 1)
        var result = try run.json()
        #expect(try result.string("program") == "mio")
        #expect(try result.integer("batch_size") == 32)
        #expect(try result.integer("steps") == 7)
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
}
