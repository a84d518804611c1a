import Foundation
import MIOBase
import MIOComm
import MIOConfig
import MIOData
import MIOFiles
import MIOFormats
import MIOGraph
import MIOJob
import MIOKeras
import MIOObjectives
import MIORun
import MIOTuning
import TestFolders
import Testing

/// Files that Keras has written, and files that only look so (`Benchmarks/parity/keras_test_files.py`).
///
/// Serialized: HDF5 keeps one state for the process.
@Suite(.serialized) struct KerasFileTests {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("KerasFiles").path

    static func path(_ name: String) -> String { folder + "/" + name }

    /// A job with a file's model, and the data beside it.
    static func job(_ file: String, data: String, in temporary: TemporaryFolder, more: String = "") throws
        -> Job
    {
        let model = try KerasModel(KerasFile(path(file)), others: { name in name == "words" ? [4] : nil })
        let outputs = model.model.graph.outputs.map { "  \($0.name): {loss: mse, metrics: []}" }.joined(
            separator: "\n")
        return try Job(
            yaml: """
                model: \(path(file))
                outputs:
                \(outputs)
                data: {train: {files: \(path(data))}}
                training: {epochs: 1, batch_size: 3}
                run_directory: \(temporary.path)/run
                \(more)

                """, folder: temporary.path)
    }

    static func session(_ job: Job) throws -> Session {
        try Session(
            job: job, communicator: LoopbackCommunicator(), makeBackend: KernelSelection.native.makeBackend)
    }

    // MARK: What Keras wrote

    @Test(arguments: [
        ("two_heads.keras", "two_heads"), ("nested.keras", "nested"), ("sequence.keras", "sequence"),
        ("open_axes.keras", "open_axes"), ("operations.keras", "operations"),
        ("compositions.keras", "compositions"), ("nested-3.h5", "nested"),
        ("two_heads-2.h5", "two_heads-2"), ("nested-2.h5", "nested-2"), ("sequence-2.h5", "sequence-2"),
        ("attention.keras", "attention"), ("attention-2.h5", "attention-2"), ("recurrent.keras", "recurrent"),
        ("recurrent-2.h5", "recurrent-2"), ("deferred.keras", "deferred"), ("experts.keras", "experts"),
        ("towers.keras", "towers"), ("sentences.keras", "sentences"),
        ("fields.keras", "fields"), ("unmasked.keras", "unmasked"),
        // Products with transposed matrices, parts by sizes, functions of compat.v1, casts, constants.
        ("products-2.h5", "products-2"), ("functions-2.h5", "functions-2"), ("leftovers-2.h5", "leftovers-2"),
        ("constants.keras", "constants"), ("everyday.keras", "everyday"),
    ]) func predictsAsKeras(file: String, data: String) throws {
        let temporary = try TemporaryFolder()
        let job = try Self.job(file, data: "\(data).npz", in: temporary)
        let predictions = temporary.path("predictions.npz")
        _ = try Prediction.run(
            Self.session(job), data: DataSelection([Self.path("\(data).npz")]), weights: .start,
            to: predictions)
        try Self.expectEqual(predictions, Self.path("\(data).npz"), job.graph.outputs.map(\.name))
    }

    /// An optimizer's variables have no names: they are found by the order of layers.
    @Test func layersHaveTheOrderOfKeras() throws {
        let graph = try KerasModel(KerasFile(Self.path("experts.keras"))).model.graph
        let names = graph.weights.map { String($0.name.prefix { $0 != "/" }) }.reduce(into: [String]()) {
            if $0.last != $1 { $0.append($1) }
        }
        #expect(
            names == ["gate", "expert_0", "expert_1", "expert_2", "early", "late", "same", "p", "q"])
    }

    /// Keras 3 trains what the layers of a frozen model say, and its file has the optimizer's variables of those.
    @Test func layersOfAFrozenModelThatAreTrained() throws {
        let temporary = try TemporaryFolder()
        let job = try Self.job("unmasked.keras", data: "unmasked.npz", in: temporary)
        let inside = job.graph.weights.filter { $0.name.hasPrefix("backbone/") }
        #expect(inside.filter(\.trainable).map(\.name) == ["backbone/top/kernel", "backbone/top/bias"])
        #expect(
            inside.filter { $0.role == .frozen }.map(\.name) == ["backbone/low/kernel", "backbone/low/bias"])
        #expect(try StartingValues(job).hasOptimizer)
    }

    /// A job that describes the model itself says which calls know of no masks.
    @Test func callsWithoutMasksAreWrittenDown() throws {
        let temporary = try TemporaryFolder()
        let job = try Self.job("unmasked.keras", data: "unmasked.npz", in: temporary)
        let written = job.graph.canonical.json()
        #expect(written.contains(#""mask": false"#))
        let again = try Job(
            yaml:
                "model: \(written)\noutputs: {p: {loss: mse}, q: {loss: mse}}\ndata: {train: {files: none.npz}}\n",
            folder: temporary.path)
        func masks(_ graph: Graph) -> [String: CallMasks] {
            Dictionary(graph.nodes.map { ($0.name, $0.callMasks) }) { first, _ in first }
        }
        #expect(masks(again.graph) == masks(job.graph))
        #expect(masks(job.graph)["lstm"] == .unread && masks(job.graph)["relu"] == CallMasks.none)
    }

    /// Keras gives metrics of overlap whole numbers, and logits a threshold of 0.
    @Test func metricsOfAFileAreThoseOfKeras() throws {
        let temporary = try TemporaryFolder()
        let job = try Job(
            yaml: "model: \(Self.path("towers.keras"))\ndata: {train: {files: none.npz}}\n",
            folder: temporary.path)
        #expect(
            job.outputs.map { $0.metrics.map(\.name) } == [
                ["mean_io_u"], ["binary_accuracy", "binary_io_u"],
            ])
    }

    private static func expectEqual(_ mine: String, _ theirs: String, _ names: [String]) throws {
        for name in names {
            let found = try values(of: name, in: mine)
            let expected = try values(of: name, in: theirs)
            #expect(found.count == expected.count)
            // Sums of at most 40 products of numbers about 1, some layers deep.
            for (a, b) in zip(found, expected) { #expect(abs(a - b) <= 40 * 0x1p-23 * max(1, abs(b))) }
        }
    }

    private static func values(of name: String, in path: String) throws -> [Float] {
        let array = try #require(try NpzFile(path: path).array(named: name, scratch: ScratchStore()))
        return array.values()
    }

    @Test(arguments: [
        ("nested.weights.h5", "nested.keras"), ("nested-2.weights.h5", "nested-2.h5"),
        ("nested-2.h5", "nested-2.h5"),
    ]) func readsWeightsAlone(weights: String, model: String) throws {
        let graph = try KerasModel(KerasFile(Self.path(model))).model.graph
        let temporary = try TemporaryFolder()
        let job = try Self.job(model, data: "nested.npz", in: temporary)
        let expected = try StartingValues(job).weights
        let file = try KerasWeights(Self.path(weights), for: graph, atMost: 1000)
        let match = try file.match(graph)
        #expect(match.missing.isEmpty && match.mismatched.isEmpty)
        for parameter in graph.weights {
            let place = try #require(match.found[parameter.name])
            #expect(try file.tensor(at: place, shape: parameter.shape) == expected[parameter.name])
        }
    }

    @Test func weightsOfSomeLayers() throws {
        let temporary = try TemporaryFolder()
        let inline = """
            model:
              inputs: {a: {shape: [4]}}
              layers:
                - {name: encoder, class: Functional, inputs: a, model: {inputs: {inner: {shape: [4]}}, layers: [
                    {name: first, class: Dense, inputs: inner, units: 3}, {name: norm, class: BatchNormalization, inputs: first},
                    {name: code, class: Dense, inputs: norm, units: 2}], outputs: [code]}}
                - {name: head, class: Dense, inputs: encoder, units: 5}
              outputs: [head]
            outputs: {head: {loss: mse}}
            data: {train: {files: none.npz}}
            """
        func job(_ weights: String) throws -> Job {
            try Job(yaml: inline + "\nweights: \(weights)\n", folder: temporary.path)
        }
        let file = Self.path("nested.keras")
        let values = try StartingValues(job("{file: \(file), layers: [\"encoder\"]}"))
        #expect(values.weights.count == 8 && values.weights["head/kernel"] == nil)
        let error = #expect(throws: RunError.self) { try StartingValues(job(file)) }
        #expect(error?.message.contains("no layer \"head\"") ?? false)
        let skipping = try StartingValues(job("{file: \(file), skip_mismatch: true}"))
        #expect(skipping.weights.count == 8 && skipping.warnings.count == 1)
        let unmatched = #expect(throws: RunError.self) {
            try StartingValues(job("{file: \(file), layers: [\"encodr/*\"]}"))
        }
        #expect(unmatched?.message.contains("no layer matches") ?? false)
    }

    @Test func compileArgumentsAreDefaults() throws {
        let temporary = try TemporaryFolder()
        func job(_ more: String = "") throws -> Job {
            try Job(
                yaml: "model: \(Self.path("two_heads.keras"))\ndata: {train: {files: x.npz}}\n\(more)\n",
                folder: temporary.path)
        }
        let whole = try job()
        #expect(whole.outputs.map(\.weight) == [1, 0.5])
        #expect(
            whole.outputs.map { type(of: $0.loss).className } == [
                "SparseCategoricalCrossentropy", "MeanSquaredError",
            ])
        #expect(whole.outputs.map { $0.metrics.map(\.name) } == [["accuracy"], ["mae"]])
        #expect(Float(whole.optimizer.options.learningRate.value(at: 0)) == 0.01)
        #expect(whole.weights.map(\.optimizerState) == [true])
        let changed = try job("outputs: {box: {weight: 2, loss: mae}}\noptimizer: sgd")
        #expect(changed.outputs.map(\.weight) == [1, 2])
        #expect(type(of: changed.outputs[1].loss).className == "MeanAbsoluteError")
        #expect(changed.weights.map(\.optimizerState) == [false])
        // A resolved job is an equal job.
        #expect(try Job(yaml: whole.resolvedYAML, folder: "/") == whole)
    }

    /// An output without metrics, names that are taken, and steps that are not whole.
    @Test func compileArgumentsThatAreEveryday() throws {
        let temporary = try TemporaryFolder()
        let job = try Job(
            yaml: "model: \(Self.path("everyday.keras"))\ndata: {train: {files: x.npz}}\n",
            folder: temporary.path)
        #expect(job.outputs.map { $0.metrics.map(\.name) } == [[], ["accuracy", "accuracy_1"]])
        #expect(job.outputs.map { $0.weightedMetrics.map(\.name) } == [[], ["weighted_accuracy", "mae"]])
        let rate = job.optimizer.options.learningRate
        #expect(rate.value(at: 0) == 0.1 && abs(rate.value(at: 2) - 0.18) < 1e-15)
    }

    /// Operations that are several layers here have another order in a job that was written from the graph. What is written for
    /// Keras is its own model all the same, and its variables are in its order.
    @Test(arguments: ["everyday", "experts", "compositions"])
    func aResolvedJobWritesTheModelOfTheFile(name: String) throws {
        let temporary = try TemporaryFolder()
        let first = try Self.job(
            "\(name).keras", data: "\(name).npz", in: temporary,
            more: "optimizer: {class: SGD, momentum: 0.9}")
        let resolved = try Job(yaml: first.resolvedYAML, folder: "/")
        #expect(resolved.graph.makesSameCalls(as: first.graph))
        var written: [(slots: [Tensor], model: ConfigValue?)] = []
        for job in [first, resolved] {
            let path = temporary.path("written.keras")
            let values = try StartingValues(job)
            let slots = job.graph.weights.filter(\.trainable).map { weight in
                // Each its own.
                NamedTensor(
                    name: "momentum/\(weight.name)",
                    Tensor(
                        shape: weight.shape,
                        values: .init(
                            repeating: Float(weight.name.hashValue % 1000), count: weight.shape.count)))
            }
            let warnings = try KerasExport.write(
                job, weights: values.weights.map { NamedTensor(name: $0.key, $0.value) }, slots: slots,
                updates: 1, to: path)
            #expect(warnings.isEmpty, "\(warnings)")
            let again = try Job(
                yaml: "model: \(path)\ndata: {train: {files: x.npz}}\n", folder: temporary.path)
            let read = try StartingValues(again)
            written.append(
                (
                    again.graph.weights.filter(\.trainable).compactMap { read.slots["momentum/\($0.name)"] },
                    try KerasFile(path).config
                ))
        }
        #expect(written[0].slots == written[1].slots && !written[0].slots.isEmpty)
        #expect(written[0].model == written[1].model)
    }

    /// What Keras lacks is left out of what it is told to go on with, and said.
    @Test func whatKerasLacksIsLeftOut() throws {
        let temporary = try TemporaryFolder()
        func written(_ rate: String) throws -> (rate: ConfigValue?, loss: ConfigValue?, warnings: String) {
            let job = try Job(
                yaml: """
                    model: {file: \(Self.path("two_heads.keras"))}
                    outputs: {box: {loss: {class: WeightedBinaryCrossentropy, positive_weight: 3}}}
                    optimizer: {class: SGD, learning_rate: \(rate)}
                    data: {train: {files: x.npz}}

                    """, folder: temporary.path)
            let path = temporary.path("written.keras")
            let warnings = try KerasExport.write(
                job, weights: try StartingValues(job).weights.map { NamedTensor(name: $0.key, $0.value) },
                slots: nil, updates: 0, to: path)
            let compile = try KerasFile(path).compileConfig
            guard case .dictionary(let optimizer)? = compile?["optimizer"],
                case .dictionary(let arguments)? = optimizer["config"],
                case .dictionary(let losses)? = compile?["loss"]
            else { return (nil, nil, "no compile arguments") }
            return (arguments["learning_rate"], losses["box"], warnings.joined(separator: "\n"))
        }
        let constant = try written("{class: Constant, learning_rate: 0.5, warmup_steps: 3}")
        #expect(constant.rate == 0.5 && constant.loss == .null)
        #expect(constant.warnings.contains("WeightedBinaryCrossentropy"), "\(constant.warnings)")
        #expect(constant.warnings.contains("the warm-up of the learning rate"), "\(constant.warnings)")
        let decaying = try written(
            "{class: ExponentialDecay, initial_learning_rate: 0.5, decay_steps: 2.5, decay_rate: 0.5, warmup_steps: 3}"
        )
        guard case .dictionary(let schedule)? = decaying.rate,
            case .dictionary(let arguments)? = schedule["config"]
        else {
            Issue.record("no schedule: \(decaying)")
            return
        }
        #expect(arguments["decay_steps"] == 2.5 && arguments["warmup_steps"] == nil)
        #expect(decaying.warnings.contains("the warm-up of the learning rate"), "\(decaying.warnings)")
    }

    /// A name that no class has lets what Keras lacks pass.
    @Test func whatKerasLacksIsThere() {
        let known = Set(
            (LossRegistry.all + MetricRegistry.all).compactMap { name -> String? in
                let values: [ConfigDictionary] = [
                    ["class": .string(name)], ["class": .string(name), "positive_weight": 1.0],
                ]
                for value in values.map(ConfigValue.dictionary) {
                    if let loss = try? LossRegistry.read(value, at: ConfigPath()) {
                        return type(of: loss).className
                    }
                    if let metric = try? MetricRegistry.read(value, at: ConfigPath()) {
                        return type(of: metric).className
                    }
                }
                return nil
            })
        #expect(CompileWriting.unknownToKeras.isSubset(of: known))
    }

    // MARK: Round trip

    /// Keras → mio → file → mio: every weight and every variable of the optimizer has the same bits.
    @Test(arguments: ["two_heads", "nested", "sequence", "attention", "recurrent", "deferred"])
    func roundTrip(
        name: String
    ) throws {
        let temporary = try TemporaryFolder()
        func job(_ file: String) throws -> Job {
            try Job(
                yaml: "model: {file: \(file)}\ndata: {train: {files: x.npz}}\nrun_directory: run\n",
                folder: temporary.path)
        }
        let first = try job(Self.path("\(name).keras"))
        let values = try StartingValues(first)
        #expect(values.updates == (name == "sequence" ? 0 : 1))
        let written = temporary.path("written.keras")
        func tensors(_ tensors: [String: Tensor]) -> [NamedTensor] {
            tensors.map { NamedTensor(name: $0.key, $0.value) }
        }
        let warnings = try KerasExport.write(
            first, weights: tensors(values.weights), slots: name == "sequence" ? nil : tensors(values.slots),
            updates: values.updates, to: written)
        #expect(warnings.isEmpty)
        let second = try job(written)
        #expect(second.graph == first.graph)
        let again = try StartingValues(second)
        #expect(
            again.weights == values.weights && again.slots == values.slots && again.updates == values.updates)
        #expect(values.slots.isEmpty == ["nested", "sequence"].contains(name))
        // The configuration is the one that Keras wrote, except for the compile arguments.
        let (before, after) = (try KerasFile(Self.path("\(name).keras")), try KerasFile(written))
        guard case .dictionary(var a) = before.config, case .dictionary(var b) = after.config else {
            Issue.record("no configuration")
            return
        }
        a["compile_config"] = nil
        b["compile_config"] = nil
        #expect(a == b)
        // A model without a file's description: mio's own, with the same weights.
        let own = temporary.path("own.keras")
        let inline = try Job(yaml: Self.withoutWeights(first), folder: temporary.path)
        _ = try KerasExport.write(inline, weights: tensors(values.weights), slots: nil, updates: 0, to: own)
        #expect(try StartingValues(job(own)).weights == values.weights)
    }

    /// The files that callbacks write of weights alone.
    @Test(arguments: ["two_heads", "attention", "recurrent", "deferred"]) func weightsAloneReadBack(
        name: String
    ) throws {
        let temporary = try TemporaryFolder()
        let job = try Job(
            yaml: """
                model: \(Self.path("\(name).keras"))
                data: {train: {files: x.npz}}
                run_directory: run

                """, folder: temporary.path)
        let values = try StartingValues(job)
        func tensors(_ tensors: [String: Tensor]) -> [NamedTensor] {
            tensors.map { NamedTensor(name: $0.key, $0.value) }
        }
        let written = temporary.path("written.weights.h5")
        _ = try KerasExport.write(
            job, weights: tensors(values.weights), slots: tensors(values.slots), updates: values.updates,
            weightsOnly: true, to: written)
        let file = try KerasWeights(written, for: job.graph, atMost: 10_000)
        #expect(file.format == .weights)
        let match = try file.match(job.graph)
        #expect(match.missing.isEmpty && match.mismatched.isEmpty)
        for weight in job.graph.weights {
            let place = try #require(match.found[weight.name])
            #expect(try file.tensor(at: place, shape: weight.shape) == values.weights[weight.name])
        }
        let optimizer = try #require(try file.optimizer(hasLearningRate: true))
        #expect(try file.integer(at: optimizer.iterations) == 1)
        #expect(optimizer.slots.count == values.slots.count)
    }

    private static func withoutWeights(_ job: Job) throws -> String {
        guard case .dictionary(var entries) = job.resolved else { return "" }
        entries["weights"] = nil
        return ConfigValue.dictionary(entries).yaml
    }

    @Test func goesOnWithTheOptimizerOfKeras2() throws {
        let temporary = try TemporaryFolder()
        let job = try Job(
            yaml: "model: \(Self.path("two_heads-2.h5"))\ndata: {train: {files: x.npz}}\n",
            folder: temporary.path)
        let values = try StartingValues(job)
        #expect(values.updates == 1 && values.warnings.isEmpty)
        let trained = job.graph.weights.filter(\.trainable)
        #expect(Set(values.slots.keys) == Set(trained.flatMap { ["m/\($0.name)", "v/\($0.name)"] }))
        // After one update from zero: v = (m / 0.1)² · 0.001.
        for parameter in trained {
            let (m, v) = (values.slots["m/\(parameter.name)"], values.slots["v/\(parameter.name)"])
            for (m, v) in zip(try #require(m).values, try #require(v).values) {
                #expect(abs(m * m * 0.1 - v) <= 8 * 0x1p-23 * v)
            }
        }
    }

    // MARK: What mio cannot do

    @Test func everythingUnknownAtOnce() throws {
        let error = #expect(throws: KerasFileError.self) {
            try KerasModel(KerasFile(Self.path("unknown.keras")))
        }
        let problems = try #require(error).problems
        #expect(problems.count == 3)
        #expect(
            problems.contains {
                $0.place.contains("\"doubled\" (Lambda)") && $0.message.contains("SpanLayer")
            })
        #expect(problems.contains { $0.place.contains("\"wide\" (Dense)") && $0.message.contains("float64") })
        #expect(
            problems.contains {
                $0.place.contains("\"own\" (Own)") && $0.message.contains("LayerRegistry.register")
            })
    }

    @Test func openAxesAreNamed() throws {
        let file = try KerasFile(Self.path("open_axes.keras"))
        let error = #expect(throws: KerasFileError.self) { try KerasModel(file) }
        #expect(error?.message.contains("inputs: {words: {shape: [80]}}") ?? false)
        #expect(
            try KerasModel(file, inputs: ["words": [4]]).model.graph.inputs.map(\.name) == ["table", "words"])
        let wrong = #expect(throws: KerasFileError.self) { try KerasModel(file, inputs: ["words": [4, 2]]) }
        #expect(wrong?.message.contains("(4, 2)") ?? false)
        #expect(throws: KerasFileError.self) { try KerasModel(file, inputs: ["words": [4], "word": [4]]) }
    }

    // MARK: Files that are no files of Keras

    @Test(arguments: [
        ("soft-link.keras", "soft link"), ("external-link.keras", "link out of the file"),
        ("external.keras", "another file"),
        ("virtual.keras", "another file"), ("cycle.keras", "contain themselves"),
        ("truncated-weights.keras", "HDF5"),
        ("huge.keras", "shape"),
    ]) func hostileWeights(file: String, words: String) throws {
        let graph = try KerasModel(KerasFile(Self.path("two_heads.keras"))).model.graph
        let error = #expect(throws: KerasFileError.self) {
            let weights = try KerasWeights(Self.path(file), for: graph, atMost: 4000)
            let match = try weights.match(graph)
            if let first = match.mismatched.first { throw KerasFileError(file, first.name, first.reason) }
        }
        #expect(error?.description.contains(words) ?? false, "\(error?.description ?? "no error")")
    }

    @Test(arguments: [
        ("truncated.keras", "zip archive"), ("no-config.keras", "config.json: missing"),
        ("bad-json.keras", "not valid JSON"),
        ("deep-json.keras", "levels"), ("bomb.keras", "expected at most"),
    ]) func hostileFiles(file: String, words: String) throws {
        let error = #expect(throws: KerasFileError.self) { try KerasFile(Self.path(file)) }
        #expect(error?.description.contains(words) ?? false, "\(error?.description ?? "no error")")
    }

    /// Every byte that is cut off, and bytes that are changed, end in an error or in a model: never in a crash.
    @Test func damagedBytes() throws {
        let temporary = try TemporaryFolder()
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: Self.path("huge.keras"))))
        let graph = try KerasModel(KerasFile(Self.path("two_heads.keras"))).model.graph
        func read(_ bytes: [UInt8]) throws {
            let path = try temporary.write(bytes, to: "damaged.keras")
            _ = try? KerasModel(KerasFile(path))
            _ = try? KerasWeights(path, for: graph, atMost: 4000).match(graph)
        }
        for length in stride(from: 0, to: bytes.count, by: 97) { try read(Array(bytes[..<length])) }
        for position in stride(from: 1, to: bytes.count, by: 53) {
            var changed = bytes
            changed[position] ^= 0x55
            try read(changed)
        }
    }
}
