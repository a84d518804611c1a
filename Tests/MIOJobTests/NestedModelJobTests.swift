import MIOBase
import MIOConfig
import MIOGraph
import MIOJob
import Testing

/// Models as layers of a job's model, and `freeze`.
@Suite struct NestedModelJobTests {
    private static let text = """
        model:
          inputs: {left: {shape: [6]}, right: {shape: [6]}}
          layers:
            - name: encoder
              class: Functional
              inputs: left
              model:
                inputs: {x: {shape: [6]}}
                layers:
                  - {name: d, class: Dense, inputs: x, units: 5}
                  - {name: e, class: Dense, inputs: d, units: 3}
                outputs: [d, e]
            - {name: again, layer: encoder, inputs: right}
            - {name: joined, class: Concatenate, inputs: ["again:1", encoder]}
            - name: tower
              class: Sequential
              inputs: joined
              layers: [{class: Dense, units: 4}, {class: Dense, units: 2, name: last, trainable: false}]
          outputs: [tower, "encoder:1"]
        outputs: {tower: {loss: mse}, "encoder:1": {loss: mse}}
        data: {train: {files: a.npz}}
        """

    private func job(_ edits: (String, String)..., overrides: [String] = []) throws -> Job {
        var text = Self.text
        for (old, new) in edits {
            #expect(text.contains(old), "\(old)")
            text = text.replacing(old, with: new)
        }
        return try Job(yaml: text, folder: "/jobs/m", overrides: overrides)
    }

    private func message(_ edits: (String, String)...) -> String? {
        var text = Self.text
        for (old, new) in edits {
            #expect(text.contains(old), "\(old)")
            text = text.replacing(old, with: new)
        }
        return #expect(throws: JobError.self) { try Job(yaml: text, folder: "/jobs/m") }?.description
    }

    @Test func isTheModelInSwift() throws {
        let x = Input("x", shape: [6])
        let d = Dense(5, name: "d")(x)
        let encoder = try Model(inputs: [x], outputs: [d, Dense(3, name: "e")(d)], name: "encoder")
        let (left, right) = (Input("left", shape: [6]), Input("right", shape: [6]))
        let first = encoder(left).map { $0.named("encoder") }
        let again = encoder(right).map { $0.named("again") }
        let tower = Sequential([Dense(4), Dense(2, name: "last", trainable: false)], name: "tower")
        let model = try Model(
            inputs: [left, right],
            outputs: [tower(Concatenate(name: "joined")([again[1], first[0]])), first[1]])
        let job = try job()
        #expect(job.model == model)
        #expect(job.graph.nodes == model.graph.nodes)
        #expect(job.graph.outputs.map(\.name) == ["tower", "encoder:1"])
        #expect(
            job.graph.weights.map(\.name) == [
                "encoder/d/kernel", "encoder/d/bias", "encoder/e/kernel", "encoder/e/bias",
                "tower/dense/kernel", "tower/dense/bias", "tower/last/kernel", "tower/last/bias",
            ])
        #expect(
            job.graph.weights.filter { !$0.trainable }.map(\.name) == [
                "tower/last/kernel", "tower/last/bias",
            ])
    }

    @Test func isWrittenAndReadBack() throws {
        for job in [try job(), try job(("name: encoder\n", "name: encoder\n      trainable: false\n"))] {
            let again = try Job(yaml: job.resolvedYAML, folder: "/")
            #expect(again == job)
            #expect(again.graph.nodes == job.graph.nodes)
            #expect(again.graph.weights == job.graph.weights)
        }
    }

    @Test func anOverrideReachesIntoAModel() throws {
        let job = try job(overrides: ["model.layers[0].model.layers[1].units=8"])
        #expect(job.graph.shape(ofOutput: "encoder:1") == [8])
    }

    // MARK: What is refused

    @Test func aResultThatIsNotThereIsNamed() {
        #expect(
            message(("\"again:1\"", "\"again:2\""))?.hasSuffix(
                "\"again\" has 2 results: again, again:1; found \"again:2\"") == true,
            "\(message(("\"again:1\"", "\"again:2\"")) ?? "")")
        #expect(message(("\"again:1\"", "\"agan:1\""))?.contains("unknown name \"agan:1\"") == true)
        #expect(message(("\"again:1\"", "\"left:1\""))?.contains("unknown name \"left:1\"") == true)
    }

    /// The line and the key are those within the nested model.
    @Test func errorsNameThePlaceInTheNestedModel() {
        let wrong = message(("units: 3", "unit: 3"))
        #expect(wrong?.contains("model.layers[0].model.layers[1].units") == true, "\(wrong ?? "")")
        let shape = message(
            ("{class: Dense, units: 4}", "{class: Conv2D, filters: 2, kernel_size: 9, name: c}"))
        #expect(
            shape?.contains("layer \"tower\" (Sequential), layer \"c\" (Conv2D)") == true, "\(shape ?? "")")
        #expect(message(("Sequential", "Sequentiel"))?.contains("did you mean \"Sequential\"?") == true)
        let inputs = message(("{class: Dense, units: 4}", "{class: Dense, units: 4, inputs: x}"))
        #expect(inputs?.contains("model.layers[3].layers[0].inputs") == true, "\(inputs ?? "")")
        #expect(
            message(("layers: [{class: Dense, units: 4}", "laers: [{class: Dense, units: 4}"))?.contains(
                "layers") == true)
    }

    // MARK: freeze

    private func frozen(_ job: Job) -> [String] {
        job.graph.weights.filter { !$0.trainable }.map(\.name)
    }

    private func frozen(_ patterns: String) throws -> [String] {
        frozen(try job(("data:", "freeze: \(patterns)\ndata:")))
    }

    @Test func patternsFreezeLayersByPath() throws {
        let last = ["tower/last/kernel", "tower/last/bias"]
        #expect(try frozen("[encoder/d]") == ["encoder/d/kernel", "encoder/d/bias"] + last)
        #expect(try frozen("[encoder]").count == 6)
        #expect(try frozen("['encoder/*']").count == 6)
        #expect(try frozen("['*/[de]']").count == 6)
        #expect(try frozen("['tower/dens?']") == ["tower/dense/kernel", "tower/dense/bias"] + last)
        #expect(try frozen("[]") == last)
        #expect(try frozen("encoder/e") == ["encoder/e/kernel", "encoder/e/bias"] + last)
    }

    @Test func freezeIsWrittenAndReadBack() throws {
        let job = try job(("data:", "freeze: ['encoder/*', tower]\ndata:"))
        #expect(job.freeze == ["encoder/*", "tower"])
        let again = try Job(yaml: job.resolvedYAML, folder: "/")
        #expect(again == job)
        #expect(frozen(again) == frozen(job))
        // Left out again, everything is as it was.
        #expect(
            frozen(try Job(yaml: job.resolvedYAML, folder: "/", overrides: ["freeze=[]"]))
                == frozen(try self.job()))
        #expect(try self.job().resolvedYAML.contains("freeze") == false)
        #expect(
            try job.trainingDifferences(from: self.job().resolvedYAML) == [
                "freeze[0]: absent → \"encoder/*\"", "freeze[1]: absent → \"tower\"",
            ])
        #expect(
            job.warnings.contains(
                "model: no layer with weights is trained: all are frozen (freeze, trainable: false)"))
    }

    @Test func aPatternThatMatchesNothingIsRefused() {
        let wrong = message(("data:", "freeze: [encoder/d, 'encodr/*']\ndata:"))
        #expect(
            wrong?.contains(
                "freeze[1]: no layer matches \"encodr/*\"; did you mean \"encoder/*\"? Layers: encoder, encoder/d, "
            )
                == true, "\(wrong ?? "")")
        // Inputs have nothing to freeze, and case counts.
        for pattern in ["left", "Encoder", "encoder/d/kernel", "''"] {
            #expect(message(("data:", "freeze: [\(pattern)]\ndata:"))?.contains("no layer matches") == true)
        }
        #expect(message(("data:", "freeze: 3\ndata:"))?.contains("freeze") == true)
        #expect(message(("data:", "freeze:\ndata:"))?.contains("freeze") == true)
    }
}
