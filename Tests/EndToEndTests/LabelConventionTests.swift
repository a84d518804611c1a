import MIOBase
import MIOData
import ProcessSupport
import Testing

extension EndToEndTests {
    /// Labels that look like another convention than the loss', and outputs that cannot learn: told by `mio check`, and
    /// once by a training on two ranks.
    @Suite struct LabelConventionTests {
        private static let samples = 40

        /// A job of one output `kind` on 40 samples of three numbers.
        private func prepare(
            _ kind: [Float], shape: [Int], units: Int, activation: String, _ output: String
        ) throws -> TrainingFolder {
            let folder = try TrainingFolder()
            var maker = SampleMaker(firstRow: 3)
            try NpzWriter.write(
                [
                    ("x", maker.uniform([Self.samples, 3])),
                    ("kind", Tensor(shape: Shape([Self.samples] + shape), values: kind)),
                ], to: folder.path("train.npz"))
            try folder.write(
                """
                model:
                  inputs: {x: {shape: [3]}}
                  layers:
                    - {name: kind, class: Dense, inputs: x, units: \(units), activation: \(activation)}
                  outputs: kind
                outputs: {kind: {\(output)}}
                data: {train: {files: train.npz}}
                training: {epochs: 1, batch_size: 8}
                logging: {tensorboard: false}
                run_directory: run
                """)
            return folder
        }

        /// What `mio check` warns of or refuses, and what a run on two ranks says.
        private func said(_ folder: TrainingFolder) throws -> (
            check: [String], train: [String], statuses: [Int32], report: String
        ) {
            let check = try SpawnedProcess([
                try BuiltProgram.path("mio"), "check", folder.path("job.yaml"),
            ]).wait(atMost: 60)
            let lines = check.output.split(separator: "\n").map(String.init)
            let train = try WorkerRun.outcome(folder.path("job.yaml"), ranks: 2)
            return (
                lines.filter { $0.hasPrefix("warning: ") || $0.hasPrefix("error: ") }, train.errors,
                [check.status, train.status], check.output
            )
        }

        private func labels(_ values: Float...) -> [Float] {
            (0..<Self.samples).map { values[$0 % values.count] }
        }

        private func oneHot(_ numbers: [Float], classes: Int) -> [Float] {
            var rows: [Float] = []
            for number in numbers {
                for label in 0..<classes { rows.append(Float(label) == number ? 1 : 0) }
            }
            return rows
        }

        /// Both warn with the same words, and the training goes on.
        private func expectWarning(
            _ text: String, _ folder: TrainingFolder, sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            let (check, train, statuses, _) = try said(folder)
            let warning = "warning: data.train: output \"kind\": " + text
            #expect(statuses == [0, 0], sourceLocation: sourceLocation)
            #expect(check == [warning], sourceLocation: sourceLocation)
            #expect(train == [warning], sourceLocation: sourceLocation)
        }

        @Test func minusOneAndOne() throws {
            let told =
                "every label is 1, and 20 targets are -1, which means no label. If -1 is the other answer, write 0 and 1; "
                + "if another number means no label, set outputs.kind.missing_label"
            let folder = try prepare(
                labels(1, -1), shape: [], units: 1, activation: "sigmoid", "loss: binary_crossentropy")
            try expectWarning(told, folder)
            let evaluated = try SpawnedProcess([
                try BuiltProgram.path("mio"), "evaluate", folder.path("job.yaml"), "--data", "train",
            ]).wait(atMost: 60)
            #expect(evaluated.status == 0)
            #expect(evaluated.errors.contains("data.train: output \"kind\": " + told))
            // With another missing label −1 is a target, and beyond what the loss takes.
            try expectWarning(
                "targets reach from -1 to 1, beyond the 0 to 1 that binary_crossentropy expects; write 0 and 1 instead "
                    + "of -1 and 1",
                prepare(
                    labels(1, -1), shape: [], units: 1, activation: "sigmoid",
                    "loss: binary_crossentropy, missing_label: 255"))
        }

        @Test func minusOneAndOneAsClassesOrTags() throws {
            let sparse = try said(
                prepare(
                    labels(1, -1), shape: [], units: 2, activation: "softmax",
                    "loss: sparse_categorical_crossentropy"))
            #expect(sparse.statuses == [0, 0])
            for lines in [sparse.check, sparse.train] {
                #expect(lines.count { $0.contains("every label is 1, and 20 targets are -1") } == 1)
            }
            let tags = try prepare(
                labels(1, -1).flatMap { [$0, -$0, 1] as [Float] }, shape: [3], units: 3,
                activation: "sigmoid",
                "loss: binary_crossentropy")
            let (_, train, _, _) = try said(tags)
            #expect(train.count { $0.contains("every label is 1, and 40 targets are -1") } == 1)
        }

        /// Labels of which some are missing are no other convention.
        @Test func missingLabelsAreNormal() throws {
            for (values, units, output) in [
                (labels(1, -1, 0), 1, "loss: binary_crossentropy"),
                (labels(1, 1, 0, .nan), 1, "loss: binary_crossentropy"),
                (labels(-1, 1, -1, 0), 2, "loss: sparse_categorical_crossentropy"),
            ] {
                let (check, train, statuses, _) = try said(
                    prepare(
                        values, shape: [], units: units, activation: units == 1 ? "sigmoid" : "softmax",
                        output))
                #expect(check == [] && train == [] && statuses == [0, 0])
            }
        }

        /// In part: the count is told, in a report line or a message, and nothing is wrong.
        @Test func missingElementsAreCounted() throws {
            var tags: [Float] = []
            for sample in 0..<Self.samples {
                for tag in 0..<3 { tags.append(tag == sample % 3 ? -1 : Float((sample / 3 + tag) % 2)) }
            }
            let (check, train, statuses, report) = try said(
                prepare(tags, shape: [3], units: 3, activation: "sigmoid", "loss: binary_crossentropy"))
            #expect(statuses == [0, 0] && check == [])
            #expect(report.contains("40 of 40 labelled (100 %), from 0 to 1"))
            #expect(report.contains(" 40 of 120 elements are missing (40 are -1)\n"))
            #expect(
                train == [
                    "data.train: output \"kind\": 40 of 120 elements are missing (40 are -1); only they are left "
                        + "out: 40 of 40 targets are labelled, 40 in part"
                ])
            var rows: [Float] = []
            for sample in 0..<Self.samples { rows += [sample == 5 ? .nan : 1, 0, 0] }
            try expectWarning(
                "1 target is missing in part; it counts as unlabelled altogether, because categorical_crossentropy takes "
                    + "whole rows",
                prepare(rows, shape: [3], units: 3, activation: "softmax", "loss: categorical_crossentropy"))
        }

        @Test func classesFromOne() throws {
            let folder = try prepare(
                labels(1, 2, 3), shape: [], units: 3, activation: "softmax",
                "loss: sparse_categorical_crossentropy")
            let (check, train, statuses, _) = try said(folder)
            #expect(statuses == [65, 65])
            let hint =
                "correct the data, or set outputs.kind.missing_label. 0 never occurs and the largest is 3: if classes "
                + "are numbered from 1, subtract 1"
            let errors = check.filter { $0.hasPrefix("error: ") }
            #expect(errors.count == 1 && errors[0].hasSuffix(hint), "\(check)")
            #expect(train.count == 1 && train[0].hasSuffix(hint.dropFirst()), "\(train)")
            // One unit more than classes: nothing is out of range.
            let spare = try said(
                prepare(
                    labels(1, 2, 3), shape: [], units: 4, activation: "softmax",
                    "loss: sparse_categorical_crossentropy"))
            #expect(spare.statuses == [0, 0])
            let told =
                "warning: data.train: output \"kind\": class 0 never occurs and every other one does. If classes are "
                + "numbered from 1, subtract 1 and give the output 3 units"
            #expect(spare.train == [told])
            #expect(spare.check == [told])
            // As many as 0 to 3 would have it: a label that is out of range is no sign of another numbering.
            let stray = try said(
                prepare(
                    labels(0, 1, 2, 3), shape: [], units: 3, activation: "softmax",
                    "loss: sparse_categorical_crossentropy"))
            #expect(stray.train.count == 1 && stray.train[0].hasSuffix("set outputs.kind.missing_label"))
        }

        @Test func numbersBeyondTheRange() throws {
            let beyond = { (largest: String, source: String) in
                "targets reach from 0 to \(largest), beyond the 0 to 1 that \(source); "
            }
            let (check, train, _, _) = try said(
                prepare(labels(0, 1.0005), shape: [], units: 1, activation: "sigmoid", "loss: mse"))
            #expect(check == [] && train == [])
            try expectWarning(
                beyond("100", "binary_crossentropy expects")
                    + "divide them by 100 if they are percentages, else scale them, or use another loss",
                prepare(
                    labels(0, 100, 35), shape: [], units: 1, activation: "sigmoid",
                    "loss: binary_crossentropy"))
            try expectWarning(
                beyond("255", "the output can be") + "divide them by 255, or use another activation",
                prepare(labels(0, 255), shape: [], units: 1, activation: "sigmoid", "loss: mse"))
            try expectWarning(
                beyond("2", "binary_crossentropy expects")
                    + "scale them, or use another loss: class numbers go with sparse_categorical_crossentropy",
                prepare(
                    labels(0, 1, 2), shape: [], units: 1, activation: "sigmoid", "loss: binary_crossentropy"))
            try expectWarning(
                "targets reach from -1 to 3, and the output is never below 0; scale them, or use another activation",
                prepare(labels(-1, 3), shape: [], units: 1, activation: "relu", "loss: mae"))
        }

        /// A number far from all others that occurs again and again, and is no label if the job says so.
        @Test func aNumberThatStandsForNoLabel() throws {
            let targets = labels(1.5, -200, 3, 2.5)
            let told =
                "10 of 40 targets are -200, far from all others (1.5 to 3). If -200 means no label, set "
                + "outputs.kind.missing_value: -200"
            try expectWarning(
                told, prepare(targets, shape: [], units: 1, activation: "linear", "loss: mse"))
            let (check, train, statuses, report) = try said(
                prepare(
                    targets, shape: [], units: 1, activation: "linear", "loss: mse, missing_value: -200"))
            #expect(check == [] && train == [] && statuses == [0, 0])
            #expect(report.contains("30 of 40 labelled (75 %), from 1.5 to 3, mean "))
            #expect(report.contains(" 10 of 40 targets are missing (10 are -200)\n"))
            #expect(report.contains("MeanSquaredError, weight 1, -200 means missing\n"))
            try expectWarning(
                told.replacing("-200", with: "9999"),
                prepare(
                    targets.map { $0 == -200 ? 9999 : $0 }, shape: [], units: 1, activation: "linear",
                    "loss: huber"))
            // One that goes on where the others end is a label; so is one alone.
            for values in [labels(-20, -9, 0, 11), labels(100, 200, 300), [-200] + labels(1, 2).dropFirst()] {
                let (check, train, _, _) = try said(
                    prepare(Array(values), shape: [], units: 1, activation: "linear", "loss: mse"))
                #expect(check == [] && train == [])
            }
        }

        /// An array of 16-bit floats has no −200.1, and its −200.125 would be learnt.
        @Test func missingValuesThat16BitFloatsRound() throws {
            let numbers = labels(Float(Float16(-200.1)), 1, 2.5)
            try expectWarning(
                "targets of -200.125 are labels, because missing_value is -200.1; 16-bit floats round it. Write "
                    + "outputs.kind.missing_value: -200.125",
                prepare(
                    numbers, shape: [], units: 1, activation: "linear", "loss: mse, missing_value: -200.1"))
            for value in ["-200.125", "-300.1"] {
                let (check, _, _, report) = try said(
                    prepare(
                        numbers, shape: [], units: 1, activation: "linear",
                        "loss: mse, missing_value: \(value)"))
                #expect(check == [], "\(report)")
            }
        }

        @Test func rowsThatAreNoChoice() throws {
            try expectWarning(
                "20 of 40 rows do not add up to 1, as categorical_crossentropy expects. Where several answers may be "
                    + "right, use a sigmoid and binary_crossentropy",
                prepare(
                    labels(0, 1).flatMap { [1, $0, 0] as [Float] }, shape: [3], units: 3,
                    activation: "softmax",
                    "loss: categorical_crossentropy"))
            try expectWarning(
                "20 of 40 rows are 0 throughout: they count as labelled, and no class is right. Where there is no label, "
                    + "write NaN",
                prepare(
                    labels(0, 1).flatMap { [0, $0, 0] as [Float] }, shape: [3], units: 3,
                    activation: "softmax",
                    "loss: categorical_crossentropy"))
        }

        @Test func classNumbersAgainstOneHotRows() throws {
            for (shape, units, loss, hint) in [
                (
                    [], 3, "categorical_crossentropy",
                    "samples of shape (), (3,) expected, a share for each class; class numbers go with "
                        + "sparse_categorical_crossentropy"
                ),
                (
                    [], 3, "binary_crossentropy",
                    "samples of shape (), (3,) expected, a 0 or 1 for each; class numbers go with "
                        + "sparse_categorical_crossentropy"
                ),
                (
                    [3], 3, "sparse_categorical_crossentropy",
                    "samples of shape (3,), () expected, a class number each; one-hot targets go with "
                        + "categorical_crossentropy"
                ),
            ] as [([Int], Int, String, String)] {
                let numbers = labels(0, 1, 2)
                let values = shape.isEmpty ? numbers : oneHot(numbers, classes: 3)
                let (check, train, statuses, _) = try said(
                    prepare(values, shape: shape, units: units, activation: "softmax", "loss: \(loss)"))
                #expect(statuses == [65, 65])
                #expect(check.count == 1 && check[0].hasSuffix(hint), "\(check)")
                #expect(train.count == 1 && train[0].hasSuffix(hint), "\(train)")
            }
        }

        // MARK: Softmax over one unit

        @Test func softmaxOverASingleUnit() throws {
            let folder = try prepare(
                labels(0, 1), shape: [], units: 1, activation: "softmax", "loss: binary_crossentropy")
            let (check, train, statuses, _) = try said(folder)
            let told =
                "warning: model: layer \"kind\" (Dense): softmax over an axis of size 1 is 1 whatever the weights are, and "
                + "they learn nothing; did you mean sigmoid?"
            #expect(statuses == [0, 0] && check == [told] && train == [told])
        }

        /// Hidden ones and other layers too; a layer that is called twice is told once.
        @Test func softmaxOverASingleChannelAnywhere() throws {
            let folder = try TrainingFolder()
            var maker = SampleMaker(firstRow: 3)
            try NpzWriter.write(
                [("image", maker.uniform([8, 4, 4, 1])), ("size", maker.uniform([8, 3]))],
                to: folder.path("train.npz"))
            try folder.write(
                """
                model:
                  inputs: {image: {shape: [4, 4, 1]}}
                  layers:
                    - {name: gate, class: Conv2D, inputs: image, filters: 1, kernel_size: 1, activation: softmax}
                    - {name: again, layer: gate, inputs: gate}
                    - {name: bent, class: Activation, inputs: again, activation: softmax}
                    - {name: flat, class: Flatten, inputs: bent}
                    - {name: fine, class: Activation, inputs: flat, activation: softmax}
                    - {name: size, class: Dense, inputs: fine, units: 3}
                  outputs: size
                outputs: {size: {loss: mse}}
                data: {train: {files: train.npz}}
                training: {epochs: 1, batch_size: 8}
                logging: {tensorboard: false}
                run_directory: run
                """)
            let (_, train, statuses, _) = try said(folder)
            #expect(statuses == [0, 0])
            let told = train.filter { $0.contains("softmax over an axis of size 1") }
            #expect(
                told.count == 2 && told[0].contains("\"gate\" (Conv2D)")
                    && told[1].contains("\"bent\" (Activation)"))
        }
    }
}
