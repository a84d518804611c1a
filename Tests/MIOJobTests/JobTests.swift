import Foundation
import MIOBase
import MIOConfig
import MIOGraph
import MIOJob
import MIOObjectives
import MIOOptimizers
import Testing

@Suite struct JobTests {
    @Test func theContractsJobIsRead() throws {
        let job = try Garments.job()
        #expect(job.name == "garments" && job.seed == 7)
        #expect(job.outputs.map(\.name) == ["kind", "box"])
        #expect(job.outputs.map(\.weight) == [1, 0.5])
        #expect(job.outputs[0].loss is SparseCategoricalCrossentropy)
        #expect(job.outputs[0].targetLabelling.missing == -1)
        #expect(job.outputs[1].targetLabelling.missing == nil)
        #expect(job.outputs[1].metrics.map(\.name) == ["mean_absolute_error"])
        #expect(job.data.train.files == .shards(["data/train-*.npz"]))
        #expect(job.data.test == nil)
        #expect(job.training == TrainingOptions(epochs: 5, batchSize: 64))
        #expect(job.checkpoints == CheckpointOptions(everySteps: 200, keep: 3))
        #expect(job.logging == LoggingOptions(everySteps: 10, tensorBoard: true))
        #expect(job.runDirectory == "/jobs/garments/runs/garments")
        #expect(job.folder == "/jobs/garments")
        #expect(job.warnings.isEmpty)
    }

    @Test func optionsOfLargeRunsAreReadAndWritten() throws {
        let job = try Garments.job(overrides: [
            "training.accumulate=4", "training.reproducible=strict", "training.virtual_shards=16",
        ])
        #expect(
            job.training
                == TrainingOptions(
                    epochs: 5, batchSize: 64, accumulate: 4, reproducible: .strict, virtualShards: 16))
        #expect(job.training.samplesPerUpdate == 256)
        let compressed = try Garments.job(overrides: ["communication.compression=bfloat16"])
        #expect(compressed.communication == CommunicationOptions(compression: .bfloat16))
        for job in [job, compressed] {
            #expect(try Job(yaml: job.resolvedYAML, folder: "/elsewhere") == job)
        }
    }

    @Test func theSameJobIsBuiltInSwift() throws {
        let job = try Job(
            name: "garments", seed: 7, model: Garments.model(),
            outputs: [
                OutputSpecification(
                    "kind", loss: SparseCategoricalCrossentropy(), metrics: [AccuracyMetric()]),
                OutputSpecification(
                    "box", loss: MeanSquaredError(), weight: 0.5, metrics: [MeanAbsoluteErrorMetric()]),
            ],
            data: JobData(
                train: DataSource("data/train-*.npz"), validation: DataSource("data/validation-*.npz")),
            optimizer: Adam(), training: TrainingOptions(epochs: 5, batchSize: 64),
            checkpoints: CheckpointOptions(everySteps: 200), folder: "/jobs/garments")
        let read = try Garments.job()
        #expect(job.resolvedYAML == read.resolvedYAML)
        #expect(job == read && job.hashValue == read.hashValue)
    }

    @Test func defaultsAreKerasAndTheContracts() throws {
        let job = try Job(
            yaml: """
                model:
                  inputs: {x: {shape: [3]}}
                  layers: [{name: y, class: Dense, inputs: x, units: 1}]
                  outputs: y
                outputs: {y: {loss: mse}}
                data: {train: {files: [a.npz, "b-*.npz"]}}
                """, folder: "/jobs/small")
        #expect(job.name == "small" && job.seed == 0)
        #expect(job.training == TrainingOptions(epochs: 1, batchSize: 32, shuffle: true, nonFinite: .halt))
        #expect(job.checkpoints == CheckpointOptions(everySteps: 0, everyEpochs: 1, keep: 3))
        #expect(job.logging == LoggingOptions(everySteps: 10, tensorBoard: true))
        #expect(job.optimizer.config == Adam().config)
        #expect(job.runDirectory == "/jobs/small/runs/small")
        #expect(job.outputs[0].weight == 1 && job.outputs[0].metrics.isEmpty)
    }

    @Test func theResolvedJobReadsBackEqualFromAnyFolder() throws {
        let jobs = [
            try Garments.job(),
            try Garments.job(overrides: [
                "seed=\"18446744073709551615\"", "training.micro_batch=2", "training.threads=1",
                "training.precision=bfloat16", "training.non_finite=skip",
                "outputs.box.loss={class: Huber, delta: 1e-7}",
                "outputs.kind.missing_label=255", "outputs.box.missing_value=-200.5",
                "outputs.kind.weighted_metrics=[{class: Accuracy, name: weighted}]",
                "optimizer={class: SGD, learning_rate: {class: CosineDecay, initial_learning_rate: 1e-3, "
                    + "decay_steps: 100, warmup_target: 0.1, warmup_steps: 10}, momentum: 0.9, clipnorm: 1}",
                "data.train.columns={image: x0, metadata: [\"yes\", \"1\", c]}",
                "data.test.files={image: \"x-*.npy\", metadata: m.npy, kind_weight: [\"a\", /b.npy]}",
                "run_directory=/elsewhere/../runs",
            ]),
        ]
        for job in jobs {
            let copy = try Job(yaml: job.resolvedYAML, folder: "/other/place")
            #expect(copy == job)
            #expect(copy.resolvedYAML == job.resolvedYAML)
            #expect(copy.seed == job.seed)
        }
        #expect(jobs[0] != jobs[1])
        #expect(jobs[1].seed == .max)
        #expect(jobs[1].outputs.map(\.targetLabelling.missing) == [255, -200.5])
        #expect(jobs[1].runDirectory == "/runs")
    }

    @Test func theResolvedJobIsAsAPersonWouldWriteIt() throws {
        let lines = try Garments.job().resolvedYAML.split(separator: "\n").map(String.init)
        #expect(lines.contains("    image: {shape: [64, 64, 1]}"))
        #expect(
            lines.contains("  - {name: flat, class: Flatten, inputs: [conv1], data_format: channels_last}"))
        #expect(lines.contains("  train: {files: [/jobs/garments/data/train-*.npz]}"))
        #expect(lines.contains("  batch_size: 64"))
        #expect(lines.contains("run_directory: /jobs/garments/runs/garments"))
    }

    @Test func aFoldersNameIsNoGlob() throws {
        let job = try Job(yaml: Garments.yaml, folder: "/jobs/[1]*")
        guard case .dictionary(let resolved) = job.resolved, case .dictionary(let data)? = resolved["data"],
            case .dictionary(let train)? = data["train"]
        else {
            Issue.record("no data.train")
            return
        }
        #expect(train["files"] == ["/jobs/\\[1\\]\\*/data/train-*.npz"])
        #expect(try Job(yaml: job.resolvedYAML, folder: "/") == job)
    }

    @Test func jobFilesAreLoaded() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("mio-job-\(UUID())/first")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer {
            do { try FileManager.default.removeItem(at: folder.deletingLastPathComponent()) } catch {
                Issue.record(error)
            }
        }
        let file = folder.appendingPathComponent("job.yaml")
        try Data(Garments.yaml.replacing("name: garments\n", with: "").utf8).write(to: file)
        let job = try Job.load(path: file.path, overrides: ["training.epochs=2"])
        #expect(job.name == "first")
        #expect(job.training.epochs == 2)
        #expect(job.runDirectory == folder.path + "/runs/garments")

        try Data([0x61, 0xFF]).write(to: file)
        let text = #expect(throws: JobError.self) { try Job.load(path: file.path) }
        #expect(text?.description == "\(file.path): is not UTF-8 text")
        #expect(text?.exitCode == .badInput)
        let isFolder = #expect(throws: JobError.self) { try Job.load(path: folder.path) }
        #expect(isFolder?.description == "\(folder.path): is a folder; name the job file in it")
        let missing = #expect(throws: JobError.self) { try Job.load(path: folder.path + "/jib.yaml") }
        #expect(
            missing?.description
                == "\(folder.path)/jib.yaml: no such file; name a job file, or make job.yaml here")
        #expect(missing?.exitCode == .missingInput)
    }

    @Test func anOutputWithoutAnEntryIsNotTrained() throws {
        let job = try Garments.job(
            replacing: "  box:  {loss: mean_squared_error, weight: 0.5, metrics: [mean_absolute_error]}\n",
            with: "")
        #expect(job.outputs.map(\.name) == ["kind"])
        #expect(job.untrainedOutputs == ["box"])
        #expect(
            job.warnings == [
                "outputs: \"box\" has no entry, so it has no loss: it is predicted, but not trained"
            ])
    }

    @Test func outputsAreInTheModelsOrder() throws {
        let job = try Garments.job(replacing: "outputs: [kind, box]", with: "outputs: [box, kind]")
        #expect(job.outputs.map(\.name) == ["box", "kind"])
        #expect(try job != Garments.job())
    }

    @Test func aLossThatDoesNotSuitTheActivationIsWarnedOf() throws {
        #expect(
            try Garments.job(overrides: ["model.layers[3].activation=linear"]).warnings == [
                "outputs.kind: SparseCategoricalCrossentropy expects probabilities, and the output has no "
                    + "activation; write activation: softmax, or from_logits: true for the loss"
            ])
        #expect(
            try Garments.job(overrides: [
                "outputs.kind.loss={class: SparseCategoricalCrossentropy, from_logits: true}"
            ]).warnings == [
                "outputs.kind: SparseCategoricalCrossentropy expects logits (from_logits), and the output "
                    + "ends in softmax; remove one of the two"
            ])
    }

    @Test func anInputNothingDependsOnIsWarnedOf() throws {
        let job = try Garments.job(
            replacing: "metadata: {shape: [10]}", with: "metadata: {shape: [10]}\n    spare: {shape: [2]}")
        #expect(job.warnings == ["model.inputs.spare: no output depends on it"])
    }
}
