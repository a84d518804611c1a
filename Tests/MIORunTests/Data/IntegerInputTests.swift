import Foundation
import MIOBase
import MIOCheck
import MIOComm
import MIOData
import MIOJob
import MIOMachine
import MIORun
import MIOTuning
import TestFolders
import Testing

/// Inputs of whole numbers: what is refused, in which words, before anything is computed.
@Suite struct IntegerInputTests {
    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func job(_ overrides: String...) throws -> Job {
        try Job(
            yaml: """
                name: words
                model:
                  inputs: {text: {shape: [3], dtype: int32}}
                  layers:
                    - {name: words, class: Embedding, inputs: text, input_dim: 10, output_dim: 4, mask_zero: true}
                    - {name: tag, class: Dense, inputs: words, units: 2, activation: softmax}
                  outputs: [tag]
                outputs: {tag: {loss: sparse_categorical_crossentropy}}
                data: {train: {files: "train.npz"}}
                optimizer: {class: Adam, learning_rate: 0.01}
                training: {epochs: 2, batch_size: 4}
                """, folder: folder.path, overrides: overrides)
    }

    private func session(_ job: Job) throws -> Session {
        try Session(
            job: job, communicator: LoopbackCommunicator(), makeBackend: KernelSelection.native.makeBackend)
    }

    private static let good: [Float] = [1, 2, 3, 4, 5, 0, 6, 0, 0, 7, 8, 9, 1, 1, 1]

    private func write(_ text: [Float], to name: String = "train.npz") throws {
        try NpzWriter.write(
            [
                ("text", Tensor(shape: [5, 3], values: text)),
                ("tag", Tensor(shape: [5, 3], values: [Float](repeating: 1, count: 15))),
            ], to: folder.path(name))
    }

    private func train(_ job: Job) throws {
        _ = try TrainingRun(session(job)).run(resume: .never, console: nil, isStopRequested: { false })
    }

    private func error(_ body: () throws -> Void) -> String {
        do {
            try body()
            return ""
        } catch let error as any MIOError {
            return "\(error.exitCode.rawValue): \(error)"
        } catch { return "\(error)" }
    }

    /// (numbers, what is said of them)
    static let bad: [([Float], String)] = [
        (
            [1, 2, 3, 4, 10, 5, 6, 0, 0, 7, 8, -1, 1, 1, 1],
            "2 values are outside of what layer \"words\" (Embedding) takes, 0 to 9 (input_dim: 10), the first in "
                + "FOLDER/train.npz, row 1: element [1] is 10.0; correct the data, or make input_dim larger than every "
                + "number"
        ),
        (
            [1, 2, 3, 4, 5, 5, 6, 0, 0, 7, 8, -1, 1, 1, 1],
            "1 value is outside of what layer \"words\" (Embedding) takes, 0 to 9 (input_dim: 10), the first in "
                + "FOLDER/train.npz, row 3: element [2] is -1.0; correct the data"
        ),
        (
            [1, 2.5, 3, 4, 99, 5, 6, .nan, 0, 7, 8, 0, 1, 1, 1],
            "2 values are no whole numbers of 32 bits, the first in FOLDER/train.npz, row 0: element [1] is 2.5; correct "
                + "the data, or make the input's dtype float32"
        ),
        (
            [1, 2, 3, 4, 3e9, 5, 6, 0, 0, 7, 8, 0, 1, 1, 1],
            "1 value is no whole number of 32 bits, the first in FOLDER/train.npz, row 1: element [1] is 3e+09; correct "
                + "the data, or make the input's dtype float32"
        ),
    ]

    /// Training and check say the same, and `non_finite: skip` changes nothing.
    @Test(arguments: 0..<bad.count) func numbersThatAreRefused(index: Int) throws {
        let (numbers, message) = Self.bad[index]
        try write(numbers)
        let expected =
            "data.train: input \"text\": "
            + message.replacingOccurrences(of: "FOLDER", with: folder.path)
        for job in [try job(), try job("training.non_finite=skip")] {
            let said = error { try train(job) }
            #expect(said == "65: " + expected)
            #expect(!FileManager.default.fileExists(atPath: folder.path("runs/words/model.safetensors")))
        }
        let check = JobCheck(
            try job(), ranks: 1, cores: MachineCores(threads: 2, cores: 2),
            backend: try KernelSelection.native.makeBackend(threads: 1))
        #expect(check.findings.errors.contains { $0.message.contains(expected) })
        #expect(check.exitCode == .badInput)
    }

    @Test func evaluationAndPrediction() throws {
        try write(Self.good)
        try train(job())
        try write(Self.bad[0].0, to: "other.npz")
        let path = folder.path("other.npz")
        let evaluated = error { _ = try Evaluation.run(session(job()), data: .files(path)) }
        #expect(evaluated.hasPrefix("65: ") && evaluated.contains("element [1] is 10.0"))
        let predicted = error {
            _ = try Prediction.run(session(job()), data: .files(path), to: folder.path("p.npz"))
        }
        #expect(predicted.hasPrefix("65: ") && predicted.contains("element [1] is 10.0"))
        #expect(!FileManager.default.fileExists(atPath: folder.path("p.npz")))
        // And what is good is predicted, from a CSV file too.
        let rows = "a,b,c\n1,2,3\n4,0,0\n"
        _ = try folder.write(Array(rows.utf8), to: "text.csv")
        let prediction = try Prediction.run(
            session(job("data.train.columns={text: [a, b, c]}")), data: .files(folder.path("text.csv")),
            to: folder.path("p.npz"))
        #expect(prediction.samples == 2)
    }

    /// Numbers are no measurements: nothing is said of their size. Every masked step is left out.
    @Test func goodNumbers() throws {
        try write(Self.good)
        let check = JobCheck(
            try job("model.layers[0].input_dim=1000"), ranks: 1, cores: MachineCores(threads: 2, cores: 2),
            backend: try KernelSelection.native.makeBackend(threads: 1))
        #expect(check.findings.errors.isEmpty)
        #expect(!check.findings.warnings.contains { $0.contains("scale it") })
    }

    /// An input of floats that an Embedding reads: fractions are cut off, the range is the same.
    @Test func numbersAsFloats() throws {
        try write([1, 2.5, 3, 4, -0.5, 5, 6, 0, 0, 7, 8, 9.9, 1, 1, 1])
        try train(job("model.inputs.text.dtype=float32"))
        try write([1, 2.5, 3, 4, 10.2, 5, 6, 0, 0, 7, 8, 9.9, 1, 1, 1])
        let said = error { try train(job("model.inputs.text.dtype=float32")) }
        #expect(said.contains("1 value is outside of what layer") && said.contains("element [1] is 10.2"))
    }

    @Test func cellsThatAreNoNumbers() throws {
        _ = try folder.write(Array("a,b,c,tag\n1,2,3,0\n4,5.5,6,1\n".utf8), to: "train.csv")
        let said = error {
            try train(
                job(
                    "data.train.files=train.csv", "data.train.columns={text: [a, b, c], tag: [a, b, c]}"))
        }
        #expect(
            said.hasPrefix("65: ") && said.contains("train.csv:3: column \"b\" holds \"5.5\", a whole number")
        )
    }

    /// Layers for real numbers do not take integers.
    @Test func aLayerOfRealNumbers() throws {
        let said = error {
            _ = try job("model.layers[0]={name: words, class: Dense, inputs: text, units: 4}")
        }
        #expect(said.contains("integers go into an Embedding"))
    }
}
