import MIOBase
import MIOGraph
import MIOJob
import Testing

@Suite struct OverrideTests {
    @Test func nestedKeysAndListItems() throws {
        let job = try Garments.job(overrides: [
            "training.epochs=2", "model.layers[3].units=8", "outputs.kind.weight=0.25",
            "data.train.files=\"other/*.npz\"", "model.layers[0].activation=tanh",
            "outputs.box.metrics=[mse, {class: BoxIoU, box_format: xywh}]", "outputs.box.metrics[0]=mae",
        ])
        #expect(job.training.epochs == 2)
        #expect(job.graph.shape(ofOutput: "kind") == [8])
        #expect(job.outputs[0].weight == 0.25)
        #expect(job.data.train.files == .shards(["other/*.npz"]))
        #expect(job.outputs[1].metrics.map(\.name) == ["mae", "box_iou"])
    }

    @Test func mappingsAreRefinedAndMissingOnesAreMade() throws {
        let job = try Garments.job(overrides: [
            "training={batch_size: 8}", "training.epochs=3", "data.test.files=t.npz",
        ])
        #expect(job.training == TrainingOptions(epochs: 3, batchSize: 8))
        #expect(job.data.test == DataSource("t.npz"))
    }

    /// A value that was forgotten, or a variable of a script that is empty.
    @Test(arguments: ["seed=", "name= ", "training.epochs=", "data.validation=", "model.layers[3].units="])
    func anEmptyValueIsRefused(override: String) {
        let error = #expect(throws: JobError.self) { try Garments.job(overrides: [override]) }
        let key = override.prefix { $0 != "=" }
        #expect(
            error?.description
                == "--set \(override): \(key): expected a value after \"=\", found nothing; an empty string is written "
                + "'\"\"', no value null")
        #expect(error?.exitCode == .usage)
    }

    @Test func emptyStringsAndNullAreRefused() {
        func message(_ override: String) -> String? {
            #expect(throws: JobError.self) { try Garments.job(overrides: [override]) }?.description
        }
        let expected: [(override: String, message: String)] = [
            ("run_directory=\"\"", "run_directory: expected a string that is not empty, found \"\""),
            ("name=\"\"", "name: expected a string that is not empty, found \"\""),
            (
                "model.layers[0].name=\"\"",
                "model.layers[0].name: expected a string that is not empty, found \"\""
            ),
            (
                "seed=null",
                "seed: expected an integer from 0 to 2⁶⁴ − 1, found null; give it a value, or leave the key out"
            ),
            (
                "training.epochs=null",
                "training.epochs: expected an integer, found null; give it a value, or leave the key out"
            ),
            (
                "training.shuffle=~",
                "training.shuffle: expected true or false, found null; give it a value, or leave the key out"
            ),
            (
                "optimizer=null",
                "optimizer: expected an optimizer, as adam, found null; give it a value, or leave the key out"
            ),
            (
                "outputs.kind.weight=null",
                "outputs.kind.weight: expected a number, found null; give it a value, or leave the key out"
            ),
            (
                "checkpoints.keep=null",
                "checkpoints.keep: expected an integer of at least 1 or a mapping such as {last: 3, best: 1}, found null; give it a "
                    + "value, or leave the key out"
            ),
            (
                "training.non_finite=null",
                "training.non_finite: expected one of halt, skip, rollback, found null; give it a value, or leave the key out"
            ),
            (
                "data.train.separator=null",
                "data.train.separator: expected a string, found null; give it a value, or leave the key out"
            ),
            (
                "run_directory=null",
                "run_directory: expected a string, found null; give it a value, or leave the key out"
            ),
        ]
        for (override, text) in expected { #expect(message(override) == "--set \(override): \(text)") }
    }

    /// A job built in Swift is held to the same.
    @Test func anEmptyRunDirectoryIsRefused() throws {
        let job = try Garments.job()
        let error = #expect(throws: JobError.self) {
            try Job(
                name: job.name, model: job.model, outputs: job.outputs, data: job.data, runDirectory: "")
        }
        #expect(
            error?.description.hasSuffix("run_directory: expected the path of a folder, found \"\"") == true)
    }

    /// Of two that set the same, one would count for nothing.
    @Test(arguments: [
        (
            ["training.epochs=2", "training.epochs=3"],
            "--set training.epochs=3: training.epochs: is set twice; --set training.epochs=2 sets it too: keep one"
        ),
        (
            ["training.epochs=2", "training={batch_size: 8}"],
            "--set training={batch_size: 8}: training: takes the place of what --set training.epochs=2 sets: write "
                + "--set training={batch_size: 8} first, or keep one"
        ),
        (
            ["model.layers[3].units=8", "seed=1", "model.layers[3].units=8"],
            "--set model.layers[3].units=8: model.layers[3].units: is set twice; --set model.layers[3].units=8 sets "
                + "it too: keep one"
        ),
    ]) func noneMayReplaceAnother(overrides: [String], message: String) {
        let error = #expect(throws: JobError.self) { try Garments.job(overrides: overrides) }
        #expect(error?.description == message)
        #expect(error?.exitCode == .usage)
    }

    private func error(_ override: String) -> JobError? {
        #expect(throws: JobError.self) { try Garments.job(overrides: [override]) }
    }

    @Test func badValuesAreBlamedOnTheOverride() {
        #expect(
            error("training.epochs=many")?.description
                == "--set training.epochs=many: training.epochs: expected an integer, found \"many\"")
        #expect(
            error("training={epochs: 0}")?.description.hasPrefix(
                "--set training={epochs: 0}: training.epochs: expected an integer of at least 1") == true)
        #expect(
            error("training.epoch=2")?.description.hasPrefix(
                "--set training.epoch=2: training.epoch: unknown key; did you mean \"epochs\"?") == true)
        #expect(
            error("trainin.epochs=2")?.description.hasPrefix(
                "--set trainin.epochs=2: trainin: unknown key; did you mean \"training\"?") == true)
        #expect(error("training.epochs=many")?.exitCode == .badInput)
    }

    @Test func pathsThatLeadNowhere() {
        #expect(
            error("model.layers[9].units=2")?.description
                == "--set model.layers[9].units=2: model.layers: has 5 items, the last of them [4]")
        #expect(
            error("seed.low=2")?.description
                == "--set seed.low=2: seed: expected a mapping that may have the key \"low\", found the "
                + "integer 7")
        #expect(
            error("training[0]=2")?.description.hasPrefix(
                "--set training[0]=2: training: expected a list, found a mapping with epochs") == true)
        #expect(
            error("new[0]=2")?.description == "--set new[0]=2: new: expected a list, found nothing")
    }

    @Test(arguments: ["training.epochs", "=2", "training..epochs=2", "a[x]=2", "a[-1]=2", "[0]=1", "a]=1"])
    func badSyntaxIsBadUsage(text: String) {
        let found = error(text)
        #expect(
            found?.description == "--set \(text): expected KEY=VALUE, the key a dotted path such as "
                + "training.epochs or model.layers[2].units")
        #expect(found?.exitCode == .usage)
    }

    @Test func valuesThatAreNoYAML() {
        let found = error("data.train.files=*.npz")
        #expect(found?.exitCode == .usage)
        #expect(found?.description.hasSuffix("; quote the value if it is a string") == true)
    }
}
