import Foundation
import MIOBase
import MIOConfig
import MIOData
import MIOFiles
import MIOFormats
import MIOGraph
import MIOJob
import MIOKeras
import MIORun
import TestFolders
import Testing

/// Files of Keras 2 (`Benchmarks/parity/keras_test_files.py` with TF_USE_LEGACY_KERAS=1), and constants in files of Keras 3. In the
/// suite of the other files, because HDF5 keeps one state for the process.
extension KerasFileTests {
    private static func job(_ file: String, in temporary: TemporaryFolder, more: String = "") throws -> Job {
        try Job(
            yaml: "model: \(path(file))\ndata: {train: {files: x.npz}}\n\(more)\n", folder: temporary.path)
    }

    @Test func whatIsRefusedSaysWhatWorks() throws {
        let error = #expect(throws: KerasFileError.self) {
            try KerasModel(KerasFile(Self.path("refused.keras")))
        }
        let message = error?.message ?? "no error"
        #expect(message.contains("Dense(units, use_bias=False"), "\(message)")
    }

    // MARK: Compile arguments

    /// `auto` is the default, `fn` the class' own function. A metric's name begins with its output's in the file.
    @Test func objectsOfCompileInKeras2() throws {
        let temporary = try TemporaryFolder()
        let job = try Self.job("leftovers-2.h5", in: temporary)
        #expect(job.outputs.map { type(of: $0.loss).className } == ["BinaryCrossentropy", "Huber"])
        #expect(job.outputs.allSatisfy { $0.loss.reduction.rawValue == "sum_over_batch_size" })
        guard case .dictionary(let crossentropy) = job.outputs[0].loss.config,
            case .dictionary(let huber) = job.outputs[1].loss.config
        else {
            Issue.record("a loss without a configuration")
            return
        }
        #expect(crossentropy["from_logits"] == true && crossentropy["label_smoothing"] == 0.1)
        #expect(huber["delta"] == 2.0)
        #expect(job.outputs.map { $0.metrics.map(\.name) } == [["mae", "auc"], ["far"]])
    }

    @Test func refusedArgumentsAreNamed() throws {
        let temporary = try TemporaryFolder()
        let loss = #expect(throws: JobError.self) { try Self.job("refused_arguments-2.h5", in: temporary) }
        #expect(loss?.message.contains("\"none\"") ?? false, "\(loss?.message ?? "no error")")
        let outputs = "outputs: {p: {loss: mse, metrics: []}, q: {loss: mse}}"
        let optimizer = #expect(throws: JobError.self) {
            try Self.job("refused_arguments-2.h5", in: temporary, more: outputs)
        }
        #expect(optimizer?.message.contains("legacy.Nadam") ?? false, "\(optimizer?.message ?? "no error")")
        _ = try Self.job("refused_arguments-2.h5", in: temporary, more: outputs + "\noptimizer: nadam")
    }

    // MARK: Optimizers of TensorFlow 2.10 and before

    /// They have m of all weights, then v of all weights.
    @Test(arguments: [
        ("legacy_adam-2.h5", "Adam", ["m": "m", "v": "v", "v_hat": "vhat"]),
        ("legacy_adamax-2.h5", "Adamax", ["momentum": "m", "norm": "v"]),
    ]) func goesOnWithALegacyOptimizer(file: String, className: String, slots: [String: String]) throws {
        let temporary = try TemporaryFolder()
        let job = try Self.job(file, in: temporary)
        let values = try StartingValues(job)
        #expect(values.hasOptimizer && values.updates == 3 && values.warnings.isEmpty)
        let trained = job.graph.weights.filter(\.trainable)
        #expect(trained.count == 8 && values.slots.count == 8 * slots.count)
        let weights = try KerasWeights(Self.path(file), for: job.graph, atMost: 10_000)
        for parameter in trained {
            // The layers of a nested model stand there without its name.
            let name =
                parameter.name.hasPrefix("inner/")
                ? String(parameter.name.dropFirst("inner/".count)) : parameter.name
            for (slot, legacy) in slots {
                let place = "optimizer_weights/\(className)/\(name)/\(legacy):0"
                let stored = try weights.tensor(at: place, shape: parameter.shape)
                #expect(values.slots["\(slot)/\(parameter.name)"] == stored)
            }
        }
    }

    /// The learning rate over 1 + decay · step.
    @Test func decayOfALegacyOptimizer() throws {
        let temporary = try TemporaryFolder()
        let rate = try Self.job("legacy_adam-2.h5", in: temporary).optimizer.options.learningRate
        for (step, expected) in [(0, 0.01), (1, 0.01 / 1.1), (3, 0.01 / 1.3)] {
            #expect(abs(rate.value(at: step) - expected) <= 0x1p-22 * expected)
        }
        let none = try Self.job("legacy_adamax-2.h5", in: temporary).optimizer.options.learningRate
        #expect(none.value(at: 3) == none.value(at: 0))
    }

    /// The product of its momentums is of no weight, and comes last.
    @Test func variablesOfLegacyNadam() throws {
        let temporary = try TemporaryFolder()
        let job = try Self.job("legacy_nadam-2.h5", in: temporary, more: "optimizer: nadam")
        let weights = try KerasWeights(Self.path("legacy_nadam-2.h5"), for: job.graph, atMost: 10_000)
        let found = try #require(try weights.optimizer(hasLearningRate: true))
        #expect(try weights.integer(at: found.iterations) == 3)
        #expect(found.slots.count == 17)
        #expect(found.slots.last?.place == "optimizer_weights/Nadam/momentum_cache:0")
        #expect(
            found.slots.prefix(4).map(\.place)
                == [
                    "in/kernel/m", "in/kernel/v", "in/bias/m", "in/bias/v",
                ].map { "optimizer_weights/Nadam/\($0):0" })
    }
}
