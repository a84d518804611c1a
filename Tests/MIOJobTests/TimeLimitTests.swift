import MIOJob
import Testing

@Suite struct TimeLimitTests {
    private func limit(_ text: String) throws(JobError) -> TimeLimit {
        try OneDense.job(training: "time_limit: \(text)").training.timeLimit
    }

    @Test(arguments: [
        ("auto", TimeLimit.automatic), ("none", .none), ("90min", .seconds(5400)),
        ("1d 12h", .seconds(129_600)),
        ("\"36:00:00\"", .seconds(129_600)), ("5400", .seconds(5400)), ("2h30m", .seconds(9000)),
        ("45s", .seconds(45)),
    ])
    func timesAreRead(text: String, expected: TimeLimit) throws { #expect(try limit(text) == expected) }

    @Test(arguments: [
        "0", "-5", "soon", "1.5h", "\"\"", "2h30", "\"1:99:00\"", "999999999d", "[1]", "true", "9y",
    ])
    func otherWordsAreRefused(text: String) {
        let error = #expect(throws: JobError.self) { try limit(text) }
        #expect(error?.description.contains("training.time_limit") == true, "\(String(describing: error))")
        #expect(error?.description.contains("expected `auto`, `none`, or a time") == true)
    }

    @Test func theResolvedJobSaysTheSame() throws {
        let yaml = """
            model: {inputs: {x: {shape: [1]}}, layers: [{name: y, class: Dense, inputs: x, units: 1}], outputs: [y]}
            outputs: {y: {loss: mean_squared_error}}
            data: {train: {files: "train-*.npz"}}
            training: {time_limit: 90min}
            """
        let job = try Job(yaml: yaml, folder: "/example")
        #expect(try Job(yaml: job.resolvedYAML, folder: "/").training.timeLimit == .seconds(5400))
    }
}
