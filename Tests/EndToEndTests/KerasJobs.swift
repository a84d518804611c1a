import Foundation
import MIOBase
import MIOData
import ProcessSupport

/// Jobs whose model is a file that Keras has written: its weights, optimizer, losses and metrics are where they begin.
struct KerasJob {
    /// In the repository.
    let file: String
    let batchSize: Int
    /// Arrays of `rows` samples; of a sample's own number and no other.
    private let arrays: @Sendable (_ rows: Range<Int>) -> [(String, Tensor)]

    /// An image and a table in, a class and a box out; Adam, after one update in Keras.
    static let twoHeads = KerasJob(file: "Tests/KerasFiles/two_heads.keras", batchSize: 4) { rows in
        var maker = SampleMaker(firstRow: rows.lowerBound)
        return [
            ("image", maker.uniform([rows.count, 6, 6, 1])), ("table", maker.uniform([rows.count, 3])),
            ("kind", Tensor(shape: [rows.count], values: maker.labels(rows.count, classes: 3))),
            ("box", maker.uniform([rows.count, 2])),
        ]
    }

    /// An encoder that is called twice, with a frozen layer and batch normalization; SGD.
    static let nested = KerasJob(file: "Tests/KerasFiles/nested.keras", batchSize: 4) { rows in
        var maker = SampleMaker(firstRow: rows.lowerBound)
        return [
            ("a", maker.uniform([rows.count, 4])), ("b", maker.uniform([rows.count, 4])),
            ("same", maker.uniform([rows.count, 1])),
        ]
    }

    /// The example's: masked words through GRUs both ways, dropout, a dictionary of outputs; Adam.
    static let letters = KerasJob(file: "examples/from-keras/model.keras", batchSize: 8) { rows in
        var maker = SampleMaker(firstRow: rows.lowerBound)
        let words = maker.labels(rows.count * 12, classes: 63).enumerated().map { index, word in
            index % 12 < 5 + index / 12 % 8 ? word + 1 : 0
        }
        return [
            ("words", Tensor(shape: [rows.count, 12], values: words)),
            ("customer", maker.uniform([rows.count, 4])),
            ("department", Tensor(shape: [rows.count], values: maker.labels(rows.count, classes: 4))),
            ("priority", Tensor(shape: [rows.count, 1], values: maker.labels(rows.count, classes: 2))),
        ]
    }

    /// Writes a job with these callbacks and its data; returns the job file's path.
    func prepare(in folder: TrainingFolder, callbacks: String) throws -> String {
        for (name, rows) in [("train-0", 0..<41), ("train-1", 41..<77), ("validation", 77..<90)] {
            try NpzWriter.write(arrays(rows), to: folder.path("\(name).npz"))
        }
        return try folder.write(
            """
            name: from-keras
            seed: 7
            model: \(BuiltProgram.repository)/\(file)
            data:
              train: {files: "train-*.npz"}
              validation: {files: validation.npz}
            training: {epochs: 40, batch_size: \(batchSize), reproducible: strict}
            callbacks:
            \(callbacks)
            checkpoints: {every_steps: 1, keep: 3}
            logging: {every_steps: 1, tensorboard: false}
            """)
    }
}
