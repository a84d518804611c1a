import MIOBase
import MIOConfig
import MIOGraph
import MIOJob
import MIOObjectives
import Testing

/// What a person reads who got a key of the job file wrong.
@Suite struct JobErrorTests {
    private func message(
        replacing piece: String, with other: String, sourceLocation: SourceLocation = #_sourceLocation
    ) -> String {
        let error = #expect(throws: JobError.self, sourceLocation: sourceLocation) {
            try Garments.job(replacing: piece, with: other)
        }
        #expect(error?.exitCode == .badInput, sourceLocation: sourceLocation)
        return error?.description ?? ""
    }

    @Test func unknownKeys() {
        #expect(
            message(replacing: "batch_size: 64", with: "batchsize: 64")
                == "job.yaml:21: training.batchsize: unknown key; did you mean \"batch_size\"? Valid keys "
                + "here: accumulate, batch_size, epochs, loss_spikes, micro_batch, non_finite, non_finite_limit, "
                + "precision, replica_check, reproducible, shuffle, threads, time_limit, virtual_shards")
        #expect(
            message(replacing: "logging:", with: "loging:").hasPrefix(
                "job.yaml:23: loging: unknown key; did you mean \"logging\"? Valid keys here: callbacks, "))
        #expect(
            message(replacing: "filters: 32", with: "filters: 32, units: 3").hasPrefix(
                "job.yaml:8: model.layers[0].units: unknown key. Valid keys here: activation, activity_regularizer, "
            ))
        #expect(
            message(replacing: "weight: 0.5", with: "wieght: 0.5").hasPrefix(
                "job.yaml:16: outputs.box.wieght: unknown key; did you mean \"weight\"?"))
        #expect(
            message(replacing: "{files: \"data/train-*.npz\"}", with: "{files: a, kolumns: {}}").hasPrefix(
                "job.yaml:18: data.train.kolumns: unknown key; did you mean \"columns\"?"))
        #expect(
            message(replacing: "image:    {shape: [64, 64, 1]}", with: "image: {shape: [3], nam: x}")
                == "job.yaml:5: model.inputs.image.nam: unknown key; did you mean \"name\"? Valid keys here: shape"
        )
        #expect(
            message(replacing: "image:    {shape: [64, 64, 1]}", with: "image: {shape: [3], name: x}")
                == "job.yaml:5: model.inputs.image.name: the input is called \"image\" by its key; found \"x\". Remove it"
        )
        #expect(
            message(replacing: "outputs: [kind, box]", with: "outputs: [kind, box]\n  output: kind")
                .hasPrefix(
                    "job.yaml:14: model.output: unknown key; did you mean \"outputs\"?"))
    }

    @Test func optionsOfLargeRuns() {
        func training(_ text: String) -> String {
            message(replacing: "batch_size: 64", with: "batch_size: 64, \(text)")
        }
        #expect(
            training("virtual_shards: 12")
                == "job.yaml:21: training.virtual_shards: expected a power of two (8, 16, 32, …), found 12")
        #expect(
            training("accumulate: 100000000")
                == "job.yaml:21: training.accumulate: 100000000 batches of 64 are more than 2147483647 "
                + "samples: lower one of them")
        #expect(
            training("reproducible: yes please").hasPrefix(
                "job.yaml:21: training.reproducible: unknown name \"yes please\". Valid names: rounding, strict"
            ))
        #expect(
            message(replacing: "logging:", with: "communication: {compression: zip}\nlogging:").hasPrefix(
                "job.yaml:23: communication.compression: unknown name \"zip\". Valid names: none, bfloat16"))
    }

    @Test func missingKeys() {
        #expect(
            message(replacing: "filters: 32, ", with: "")
                == "job.yaml:8: model.layers[0].filters: missing; expected the key \"filters\"")
        #expect(
            message(replacing: "filters: 32, ", with: "filtres: 32, ")
                == "job.yaml:8: model.layers[0].filters: missing; expected the key \"filters\" (found "
                + "\"filtres\": did you mean \"filters\"?)")
        #expect(
            message(replacing: "data:\n  train:", with: "data:\n  trian:")
                == "job.yaml:17: data.train: missing; expected the key \"train\" (found \"trian\": did you "
                + "mean \"train\"?)")
        #expect(
            message(replacing: "loss: mean_squared_error, ", with: "")
                == "job.yaml:16: outputs.box.loss: missing; expected the key \"loss\"")
        #expect(
            message(replacing: "name: flat, ", with: "").hasPrefix(
                "job.yaml:9: model.layers[1].name: missing"))
        #expect(
            message(replacing: "filters: 32, ", with: "filters: ~, ")
                == "job.yaml:8: model.layers[0].filters: expected a value, found null")
        let empty = #expect(throws: JobError.self) { try Job(yaml: "", folder: "/") }
        #expect(empty?.description == "job.yaml: model: missing; expected the key \"model\"")
    }

    @Test func wrongKinds() {
        #expect(
            message(replacing: "epochs: 5", with: "epochs: five")
                == "job.yaml:21: training.epochs: expected an integer, found \"five\"")
        #expect(
            message(replacing: "batch_size: 64", with: "batch_size: 0")
                == "job.yaml:21: training.batch_size: expected an integer of at least 1 and at most "
                + "2147483647, found 0")
        #expect(
            message(replacing: "shuffle: true", with: "shuffle: yes")
                == "job.yaml:21: training.shuffle: expected true or false, found \"yes\"")
        #expect(
            message(replacing: "training: {epochs: 5, batch_size: 64, shuffle: true}", with: "training: 5")
                == "job.yaml:21: training: expected a mapping of keys to values, found the integer 5")
        #expect(
            message(replacing: "seed: 7", with: "seed: -1")
                == "job.yaml:2: seed: expected an integer of at least 0, found the integer -1")
        #expect(
            message(replacing: "seed: 7", with: "seed: seven")
                == "job.yaml:2: seed: expected an integer from 0 to 2⁶⁴ − 1, found \"seven\"")
        #expect(
            message(replacing: "name: garments", with: "name: a/b")
                == "job.yaml:1: name: expected a name that can be a folder's, without \"/\"; found \"a/b\"")
        #expect(
            message(replacing: "units: 10", with: "units: 3000000000").hasPrefix(
                "job.yaml:11: model.layers[3].units: expected an integer of at least 1 and at most 21474836"))
        let list = #expect(throws: JobError.self) { try Job(yaml: "- 1", folder: "/") }
        #expect(list?.description == "job.yaml: expected a mapping of keys to values, found a list of 1")
    }

    @Test func unknownNames() {
        #expect(
            message(replacing: "class: Conv2D", with: "class: Conv2d").hasPrefix(
                "job.yaml:8: model.layers[0].class: unknown name \"Conv2d\"; did you mean \"Conv2D\"?"))
        #expect(
            message(replacing: "activation: relu", with: "activation: rellu").hasPrefix(
                "job.yaml:8: model.layers[0].activation: expected an activation: unknown name \"rellu\"; did you mean "
                    + "\"relu\"?"))
        #expect(
            message(replacing: "loss: mean_squared_error", with: "loss: mean_square_error").hasPrefix(
                "job.yaml:16: outputs.box.loss: expected a loss: unknown name \"mean_square_error\"; did "
                    + "you mean \"mean_squared_error\"?"))
        #expect(
            message(replacing: "[accuracy]", with: "[accurracy]").hasPrefix(
                "job.yaml:15: outputs.kind.metrics[0]: expected a metric: unknown name \"accurracy\"; did "
                    + "you mean \"accuracy\"?"))
        #expect(
            message(replacing: "class: Adam,", with: "class: Adem,").hasPrefix(
                "job.yaml:20: optimizer.class: expected an optimizer: unknown name \"Adem\"; did you mean "
                    + "\"Adam\"?"))
        #expect(
            message(replacing: "  box:  {loss", with: "  boxx:  {loss")
                == "job.yaml:16: outputs.boxx: unknown name \"boxx\"; did you mean \"box\"? Valid names: "
                + "kind, box")
        #expect(
            message(
                replacing: "{files: \"data/train-*.npz\"}", with: "{files: a.csv, columns: {imag: x0}}")
                == "job.yaml:18: data.train.columns.imag: unknown name \"imag\"; did you mean \"image\"? "
                + "Valid names: image, metadata, kind, box, kind_weight, box_weight")
    }

    @Test func lossesAndMetricsThatDoNotFit() {
        #expect(
            message(
                replacing: "units: 10, activation: softmax", with: "units: 1, activation: sigmoid"
            ).hasPrefix("job.yaml:15: outputs.kind.loss: sparse_categorical_crossentropy cannot take a "))
        #expect(
            message(replacing: "[accuracy]", with: "[accuracy, box_iou]").hasPrefix(
                "job.yaml:15: outputs.kind.metrics[1]: metric box_iou does not suit a prediction of shape "))
        #expect(
            message(replacing: "weight: 0.5", with: "weight: -1")
                == "job.yaml:16: outputs.box.weight: expected a number of at least 0 that 32-bit floats hold, found -1.0"
        )
        #expect(
            message(replacing: "weight: 0.5", with: "weight: 0.5, missing_label: 0").hasPrefix(
                "job.yaml:16: outputs.box.missing_label: only class labels have a missing label; the targets of "
                    + "MeanSquaredError are numbers, where NaN means unlabelled. For another number write "
                    + "missing_value: 0"))
        // Also where it is what class labels have anyhow: it would say what is not so.
        #expect(
            message(replacing: "weight: 0.5", with: "weight: 0.5, missing_label: -1").contains(
                "For another number write missing_value: -1"))
        #expect(
            message(replacing: "[accuracy]", with: "[accuracy], missing_value: -200")
                == "job.yaml:15: outputs.kind.missing_value: only numbers have a missing value; the targets of "
                + "SparseCategoricalCrossentropy are class labels, where NaN and missing_label (-1 unless it is set) "
                + "mean unlabelled. Write missing_label: -200")
        #expect(
            message(replacing: "weight: 0.5", with: "weight: 0.5, missing_value: .inf").hasPrefix(
                "job.yaml:16: outputs.box.missing_value: expected a finite 32-bit number, found inf"))
        #expect(
            message(replacing: "weight: 0.5", with: "weight: 0.5, missing_value: off").hasPrefix(
                "job.yaml:16: outputs.box.missing_value: expected a number, found"))
        #expect(
            message(replacing: "weight: 0.5", with: "weight: 0.5, missing_values: 0").contains(
                "did you mean \"missing_value\"?"))
        #expect(
            message(replacing: "[accuracy]", with: "[accuracy, accuracy]")
                == "job.yaml:15: outputs.kind.metrics[1]: logs already have a \"kind_accuracy\"; write "
                + "{class: …, name: …} with another name")
    }

    @Test func initializersThatSuitNoSuchWeight() {
        func convolution(_ text: String) -> String {
            message(replacing: "kernel_size: 3, activation: relu", with: "kernel_size: 3, \(text)")
        }
        #expect(
            convolution("kernel_initializer: Identity")
                == "job.yaml:8: model.layers[0]: layer \"conv1\" (Conv2D): the initializer of its weight "
                + "\"kernel\" of shape (3, 3, 1, 32): expected a matrix, as Identity makes, found a mapping "
                + "with class, gain")
        #expect(convolution("bias_initializer: Orthogonal").contains("expected at least two axes"))
        #expect(
            convolution("kernel_initializer: {class: VarianceScaling, scale: 0}").contains(
                "expected a finite scale above 0"))
        #expect(
            convolution("kernel_initializer: {class: RandomNormal, stddev: .inf}").contains(
                "expected a finite mean, and a finite stddev of at least 0"))
    }

    @Test func namesThatWouldBeReadAsSampleWeights() {
        let error = #expect(throws: JobError.self) {
            try Job(yaml: Garments.yaml.replacing("metadata", with: "box_weight"), folder: "/")
        }
        #expect(
            error?.description
                == "job.yaml:6: model.inputs.box_weight: the data's \"box_weight\" is the sample "
                + "weights of the output \"box\"; rename one of the two")
        let output = #expect(throws: JobError.self) {
            try Job(yaml: Garments.yaml.replacing("box", with: "kind_weight"), folder: "/")
        }
        #expect(
            output?.description.contains("outputs.kind_weight: the data's \"kind_weight\" is the") == true)
    }

    @Test func namesThatLogsHaveAlready() {
        let validation = #expect(throws: JobError.self) {
            try Job(yaml: Garments.yaml.replacing("box", with: "val_kind"), folder: "/")
        }
        #expect(
            validation?.description
                == "job.yaml:16: outputs.val_kind: logs would have two \"val_kind_loss\": "
                + "validation's \"kind_loss\" is called so; choose another name")
        // Of one output metrics have no prefix.
        let rate = message(
            replacing: Garments.yaml.lines(10...17).joined(separator: "\n"),
            with: """
                    - {name: kind, class: Dense, inputs: flat, units: 10, activation: softmax}
                  outputs: kind
                outputs:
                  kind: {loss: mse, metrics: [{class: MeanAbsoluteError, name: step_seconds}]}
                data:
                """)
        #expect(
            rate == "job.yaml:13: outputs.kind.metrics[0]: logs already have a \"step_seconds\"; write "
                + "{class: …, name: …} with another name")
    }

    @Test func strictRunsSendAllBits() {
        #expect(
            message(
                replacing: "shuffle: true}",
                with: "reproducible: strict}\ncommunication: {compression: bfloat16}")
                == "job.yaml:22: communication.compression: bfloat16 rounds machine by machine, so that "
                + "training.reproducible: strict cannot hold; leave one of them away")
    }

    @Test func linesOfFilesFromWindows() {
        let error = #expect(throws: JobError.self) {
            try Job(
                yaml: Garments.yaml.replacing("epochs: 5", with: "epochs: x").replacing("\n", with: "\r\n"),
                folder: "/")
        }
        #expect(error?.line == 21)
    }

    @Test func outputsWithoutAnyLoss() {
        let error = #expect(throws: JobError.self) { try Garments.job(overrides: ["outputs={}"]) }
        #expect(
            error?.description == "--set outputs={}: outputs: expected a loss for at least one output of the "
                + "model: kind, box")
    }

    @Test func arraysInFilesOfTheirOwn() {
        #expect(
            message(replacing: "{files: \"data/train-*.npz\"}", with: "{files: {image: x.npy, kind: y.npy}}")
                == "job.yaml:18: data.train.files.metadata: missing; every input of the model needs its files"
        )
        #expect(
            message(
                replacing: "{files: \"data/train-*.npz\"}",
                with: "{files: {image: x.npy}, columns: {image: x}}"
            ).hasPrefix("job.yaml:18: data.train.columns: files gives each array files of its own"))
        #expect(
            message(replacing: "{files: \"data/train-*.npz\"}", with: "{files: []}")
                == "job.yaml:18: data.train.files: expected a string or a list of strings, none of them empty"
        )
    }

    @Test func jobsBuiltInSwiftAreCheckedToo() throws {
        let outputs = [OutputSpecification("kind", loss: SparseCategoricalCrossentropy())]
        let data = JobData(train: DataSource("a.npz"))
        let batch = #expect(throws: JobError.self) {
            try Job(
                name: "a", model: Garments.model(), outputs: outputs, data: data,
                training: TrainingOptions(batchSize: 0))
        }
        #expect(
            batch?.description == "training.batch_size: expected an integer of at least 1 and at most "
                + "2147483647, found 0")
        func training(_ options: TrainingOptions) -> String? {
            let error = #expect(throws: JobError.self) {
                try Job(name: "a", model: Garments.model(), outputs: outputs, data: data, training: options)
            }
            return error?.description
        }
        #expect(
            training(TrainingOptions(accumulate: 0))?.hasPrefix("training.accumulate: expected an int")
                == true)
        #expect(
            training(TrainingOptions(reproducible: .strict, virtualShards: 12))
                == "training.virtual_shards: expected a power of two (8, 16, 32, …), found 12")
        let name = #expect(throws: JobError.self) {
            try Job(
                name: "a", model: Garments.model(),
                outputs: [OutputSpecification("kin", loss: MeanSquaredError())], data: data)
        }
        #expect(
            name?.description
                == "outputs.kin: unknown name \"kin\"; did you mean \"kind\"? Valid names: kind, box")
        let twice = #expect(throws: JobError.self) {
            try Job(name: "a", model: Garments.model(), outputs: outputs + outputs, data: data)
        }
        #expect(twice?.description == "outputs.kind: the output has two entries; keep one")
        let keep = #expect(throws: JobError.self) {
            try Job(
                name: "a", model: Garments.model(), outputs: outputs, data: data,
                checkpoints: CheckpointOptions(keep: 0))
        }
        #expect(keep?.description == "checkpoints.keep: expected an integer of at least 1, found 0")
    }
}

extension String {
    fileprivate func lines(_ range: ClosedRange<Int>) -> ArraySlice<Substring> {
        split(separator: "\n", omittingEmptySubsequences: false)[range.lowerBound - 1..<range.upperBound]
    }
}
