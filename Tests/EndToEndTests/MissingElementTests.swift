import Foundation
import KerasParity
import MIOBase
import MIOConfig
import MIOData
import ProcessSupport
import Testing

extension EndToEndTests {
    /// Outputs of which elements are missing, trained by real ranks: a table of numbers with −200 and NaN, and tags with −1.
    /// They are held to the same written down plainly in double precision, and to Keras without the missing elements
    /// (`missing-elements.json`).
    @Suite struct MissingElementTests {
        private static let job = """
            name: missing
            model:
              inputs: {x: {shape: [4]}}
              layers:
                - {name: table, class: Dense, inputs: x, units: 3, kernel_initializer: {class: Constant, value: 0.1}}
                - name: tags
                  class: Dense
                  inputs: x
                  units: 2
                  activation: sigmoid
                  kernel_initializer: {class: Constant, value: 0.1}
              outputs: [table, tags]
            outputs:
              table:
                loss: mean_squared_error
                missing_value: -200
                metrics: [mean_absolute_error]
                weighted_metrics: [mean_squared_error]
              tags: {loss: binary_crossentropy, weight: 0.5, metrics: [binary_accuracy]}
            data:
              train: {files: "train-*.npz"}
              validation: {files: validation.npz}
            optimizer: {class: SGD, learning_rate: 0.2}
            training: {epochs: 2, batch_size: 8, shuffle: false}
            logging: {every_steps: 1, tensorboard: false}
            run_directory: run
            """

        private static let files = [
            ("train-0.npz", 0..<7), ("train-1.npz", 7..<19), ("validation.npz", 19..<24),
        ]
        private static let batches = [0..<8, 8..<16, 16..<19]

        private func prepare(_ folder: TrainingFolder, _ samples: [PlainSample]) throws -> String {
            for (name, rows) in Self.files {
                let part = samples[rows]
                func array(_ width: Int, _ values: (PlainSample) -> [Double?]) -> Tensor {
                    Tensor(
                        shape: [rows.count, width],
                        values: part.enumerated().flatMap { row, sample in
                            values(sample).enumerated().map { element, value in
                                // Either of the ways to say it.
                                value.map { Float($0) }
                                    ?? ((row + element) % 3 == 0 ? .nan : width == 3 ? -200 : -1)
                            }
                        })
                }
                try NpzWriter.write(
                    [
                        ("x", array(4) { $0.x }), ("table", array(3) { $0.table }),
                        ("tags", array(2) { $0.tags }),
                        ("table_weight", Tensor(shape: [rows.count], values: part.map { Float($0.weight) })),
                    ], to: folder.path(name))
            }
            return try folder.write(Self.job)
        }

        private func train(_ job: String, _ name: String, ranks: Int, _ settings: [String] = []) throws
            -> WorkerRun.Outcome
        {
            let outcome = try WorkerRun.outcome(
                job, ranks: ranks, (settings + ["run_directory=\(name)"]).flatMap { ["--set", $0] })
            #expect(outcome.status == 0, "\(outcome.errors)")
            return outcome
        }

        @Test(arguments: [
            (1, []), (2, []), (3, []), (1, ["training.threads=2"]), (3, ["training.micro_batch=1"]),
            (2, ["training.reproducible=strict"]), (3, ["training.batch_size=2", "training.accumulate=4"]),
        ])
        func trainsAsIfTheyWereNotThere(ranks: Int, settings: [String]) throws {
            let golden = try Golden(named: "missing-elements")
            let samples = try PlainSample.drawn(golden)
            let folder = try TrainingFolder()
            let job = try prepare(folder, samples)
            let outcome = try train(job, "run", ranks: ranks, settings)
            let train = samples[0..<19]
            let counts = (
                table: train.reduce(0) { $0 + $1.table.count(where: { $0 == nil }) },
                tags: train.reduce(0) { $0 + $1.tags.count(where: { $0 == nil }) }
            )
            #expect(counts.table > 19 && counts.tags > 7)
            // Told once, whatever the number of ranks.
            for (output, count, elements) in [("table", counts.table, 57), ("tags", counts.tags, 38)] {
                let told = outcome.errors.filter {
                    $0.hasPrefix(
                        "data.train: output \"\(output)\": \(count) of \(elements) elements are missing (")
                }
                #expect(told.count == 1, "\(outcome.errors)")
            }

            let records = folder.records()
            // Sums of up to 8 samples' 3 elements, and of 4 products, in each of 6 steps.
            let tolerance = Tolerance(longestSum: 8 * 3 * 4, steps: 6)
            var model = PlainModel()
            let steps = try records.steps()
            let epochs = try records.events().filter { $0.event == "epoch" }
            #expect(steps.count == 6 && epochs.count == 2)
            for epoch in 0..<2 {
                for (index, batch) in Self.batches.enumerated() {
                    let expected = model.step(samples[batch], learningRate: 0.2)
                    expect(steps[3 * epoch + index].values, expected, tolerance)
                }
                let validated = model.evaluate(samples[19..<24]).logs
                expect(
                    epochs[epoch].values,
                    Dictionary(uniqueKeysWithValues: validated.map { ("val_" + $0, $1) }), tolerance)
            }
            for (name, expected) in model.weights {
                let found = try #require(try records.weights()[name])
                #expect(found.count == expected.count)
                for (value, expected) in zip(found, expected) {
                    #expect(tolerance.accepts(Double(value), expected), "\(name): \(value), not \(expected)")
                }
            }
            try expect(steps, golden["steps"])
            try expect(epochs, golden["validation"], prefix: "val_")
            let names = try golden["weights"].dictionary.keys
            #expect(names.count == 4)
            for name in names {
                let worst = try golden["weights"][name].worst(
                    of: #require(try records.weights()[name]), seed: UInt64(golden["seed"].integer))
                #expect(worst.isWithinTolerance, "\(worst)")
            }
            guard settings.isEmpty, ranks == 1 else { return }
            let evaluated = try SpawnedProcess([
                try BuiltProgram.path("mio"), "evaluate", job, "--data", "validation", "--json",
            ]).wait(atMost: 60)
            #expect(evaluated.status == 0, "\(evaluated.errors)")
            #expect(evaluated.errors.contains("data.validation: output \"table\": "))
            var reader = try ConfigReader(
                ConfigValue(json: Data(evaluated.output.utf8)), at: ConfigPath())
            var values: [String: Double] = [:]
            for name in model.evaluate(samples[19..<24]).logs.keys { values[name] = try reader.real(name) }
            expect(values, model.evaluate(samples[19..<24]).logs, tolerance)
        }

        private func expect(
            _ found: [String: Double], _ expected: [String: Double], _ tolerance: Tolerance,
            sourceLocation: SourceLocation = #_sourceLocation
        ) {
            for (name, value) in expected {
                let other = found[name] ?? .nan
                #expect(
                    tolerance.accepts(other, value), "\(name): \(other), not \(value)",
                    sourceLocation: sourceLocation)
            }
        }

        /// Keras' numbers, one for each event.
        private func expect(_ events: [RunRecords.Event], _ golden: Golden, prefix: String = "") throws {
            let names = try golden.dictionary.keys
            #expect(names.count == 6)
            for name in names {
                let worst = try Quantity(golden[name]).worst(events.map { $0.values[prefix + name] ?? .nan })
                #expect(worst.isWithinTolerance, "\(worst)")
            }
        }

        /// The same bits at any power of two of ranks, lanes and groups.
        @Test func strictRunsAreEqualToTheBit() throws {
            let folder = try TrainingFolder()
            let job = try prepare(folder, PlainSample.drawn(Golden(named: "missing-elements")))
            let strict = ["training.reproducible=strict"]
            _ = try train(job, "alone", ranks: 1, strict)
            for (name, ranks, threads) in [("two", 2, 1), ("four", 4, 1), ("threads", 1, 2)] {
                _ = try train(job, name, ranks: ranks, strict + ["training.threads=\(threads)"])
                #expect(try folder.records(name).events() == folder.records("alone").events(), "\(name)")
                try expectSameWeights(folder.records(name), folder.records("alone"), nil, name)
            }
        }

        /// A mask: its missing pixels alone are left out, also where a pixel has several channels.
        @Test(arguments: [1, 3]) func pixelsOfAMask(ranks: Int) throws {
            let folder = try TrainingFolder()
            var maker = SampleMaker(firstRow: 0)
            let image = maker.uniform([6, 3, 3, 2])
            var mask = maker.labels(6 * 9 * 2, classes: 2)
            for index in mask.indices where index % 3 == 0 || index < 4 { mask[index] = -1 }
            try NpzWriter.write(
                [("image", image), ("mask", Tensor(shape: [6, 3, 3, 2], values: mask))],
                to: folder.path("train.npz"))
            let job = try folder.write(
                """
                model:
                  inputs: {image: {shape: [3, 3, 2]}}
                  layers:
                    - name: mask
                      class: Conv2D
                      inputs: image
                      filters: 2
                      kernel_size: 1
                      activation: sigmoid
                      kernel_initializer: {class: Constant, value: 0.5}
                  outputs: mask
                outputs: {mask: {loss: binary_crossentropy, metrics: [binary_accuracy]}}
                data: {train: {files: train.npz}}
                optimizer: {class: SGD, learning_rate: 0}
                training: {batch_size: 6}
                logging: {every_steps: 1, tensorboard: false}
                run_directory: run
                """)
            let outcome = try WorkerRun.outcome(job, ranks: ranks)
            #expect(outcome.status == 0, "\(outcome.errors)")
            var (loss, accuracy, count) = (0.0, 0.0, 0.0)
            for pixel in 0..<54 {
                let logit = Double(image.values[2 * pixel] + image.values[2 * pixel + 1]) / 2
                let labels = mask[2 * pixel...2 * pixel + 1].filter { $0 >= 0 }
                guard !labels.isEmpty else { continue }
                count += 1
                for label in labels {
                    loss += (log(1 + exp(logit)) - Double(label) * logit) / Double(labels.count)
                    accuracy += ((logit > 0 ? 1 : 0) == label ? 1 : 0) / Double(labels.count)
                }
            }
            #expect(count > 36 && count < 54)
            let step = try #require(try folder.records().steps().first)
            let tolerance = Tolerance(longestSum: 108, steps: 1)
            #expect(tolerance.accepts(step.values["loss"] ?? .nan, loss / count))
            #expect(tolerance.accepts(step.values["binary_accuracy"] ?? .nan, accuracy / count))
        }
    }
}

/// A sample, its numbers in double precision; `nil` where there is no label.
private struct PlainSample {
    var x: [Double?]
    var table: [Double?]
    var tags: [Double?]
    var weight: Double

    static func drawn(_ golden: Golden) throws -> [PlainSample] {
        let seed = UInt64(try golden["seed"].integer)
        func rows(_ name: String) throws -> [[Double?]] {
            let tensor = try golden["drawn"][name].draw(seed: seed)
            let width = tensor.shape.rank == 1 ? 1 : tensor.shape.last
            let present = try golden["present"].optional(name)?.numbers
            return (0..<tensor.shape[0]).map { row in
                (row * width..<(row + 1) * width).map { present?[$0] == 0 ? nil : Double(tensor.values[$0]) }
            }
        }
        let (x, table, tags) = (try rows("x"), try rows("table"), try rows("tags"))
        return try rows("table_weight").enumerated().map { row, weight in
            PlainSample(x: x[row], table: table[row], tags: tags[row], weight: weight[0] ?? .nan)
        }
    }
}

/// Two Dense layers on the input, and their losses, as one writes them down.
private struct PlainModel {
    private var table = PlainDense(units: 3)
    private var tags = PlainDense(units: 2)

    var weights: [String: [Double]] {
        [
            "table/kernel": table.kernel.flatMap { $0 }, "table/bias": table.bias,
            "tags/kernel": tags.kernel.flatMap { $0 }, "tags/bias": tags.bias,
        ]
    }

    /// Losses and metrics before the update, as a step logs them.
    mutating func step(_ samples: ArraySlice<PlainSample>, learningRate: Double) -> [String: Double] {
        let (logs, tableGradients, tagGradients) = evaluate(samples)
        table.update(samples, tableGradients, learningRate)
        tags.update(samples, tagGradients, 0.5 * learningRate)
        return logs
    }

    func evaluate(_ samples: ArraySlice<PlainSample>) -> (
        logs: [String: Double], table: [[Double]], tags: [[Double]]
    ) {
        var (tableLoss, tableCount, absolute, weights) = (0.0, 0.0, 0.0, 0.0)
        var (tagLoss, tagCount, right) = (0.0, 0.0, 0.0)
        var tableGradients: [[Double]] = []
        var tagGradients: [[Double]] = []
        for sample in samples {
            let predictions = table(sample.x)
            let labelled = sample.table.indices.filter { sample.table[$0] != nil }
            let errors = predictions.indices.map { predictions[$0] - (sample.table[$0] ?? predictions[$0]) }
            let count = Double(max(labelled.count, 1))
            tableLoss += sample.weight * errors.reduce(0) { $0 + $1 * $1 } / count
            absolute += errors.reduce(0) { $0 + abs($1) } / count
            tableCount += labelled.isEmpty ? 0 : 1
            weights += labelled.isEmpty ? 0 : sample.weight
            tableGradients.append(errors.map { sample.weight * 2 * $0 / count })

            let logits = tags(sample.x)
            let answered = sample.tags.indices.filter { sample.tags[$0] != nil }
            var gradient = [0.0, 0.0]
            for index in answered {
                let (logit, tag) = (logits[index], sample.tags[index] ?? .nan)
                tagLoss += (log(1 + exp(logit)) - tag * logit) / Double(answered.count)
                right += ((logit > 0 ? 1 : 0) == tag ? 1 : 0) / Double(answered.count)
                gradient[index] = (1 / (1 + exp(-logit)) - tag) / Double(answered.count)
            }
            tagCount += answered.isEmpty ? 0 : 1
            tagGradients.append(gradient)
        }
        return (
            [
                "loss": tableLoss / tableCount + 0.5 * tagLoss / tagCount,
                "table_loss": tableLoss / tableCount, "tags_loss": tagLoss / tagCount,
                "table_mean_absolute_error": absolute / tableCount,
                "table_mean_squared_error": tableLoss / weights, "tags_binary_accuracy": right / tagCount,
            ], tableGradients.map { $0.map { $0 / tableCount } },
            tagGradients.map { $0.map { $0 / tagCount } }
        )
    }
}

private struct PlainDense {
    var kernel: [[Double]]
    var bias: [Double]

    init(units: Int) {
        kernel = [[Double]](repeating: [Double](repeating: Double(Float(0.1)), count: units), count: 4)
        bias = [Double](repeating: 0, count: units)
    }

    func callAsFunction(_ x: [Double?]) -> [Double] {
        bias.indices.map { unit in
            x.indices.reduce(bias[unit]) { $0 + (x[$1] ?? 0) * kernel[$1][unit] }
        }
    }

    mutating func update(_ samples: ArraySlice<PlainSample>, _ gradients: [[Double]], _ rate: Double) {
        for (sample, gradient) in zip(samples, gradients) {
            for unit in bias.indices {
                bias[unit] -= rate * gradient[unit]
                for input in 0..<4 { kernel[input][unit] -= rate * (sample.x[input] ?? 0) * gradient[unit] }
            }
        }
    }
}
