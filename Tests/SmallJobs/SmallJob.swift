import MIOBase
import MIOData
import TestFolders

/// A job of two outputs on a few samples, in a folder of its own that goes with the last reference.
package final class SmallJob {
    package let folder: TemporaryFolder

    /// Writes `job.yaml`, `train.npz` (90 samples), `validation.npz` and `test.npz` (50 each).
    package init() throws {
        folder = try TemporaryFolder()
        _ = try folder.write(Array(Self.text.utf8), to: "job.yaml")
        for (stream, (name, samples)) in [("train", 90), ("validation", 50), ("test", 50)].enumerated() {
            try SmallData(samples: samples, stream: UInt64(stream)).write(to: path("\(name).npz"))
        }
    }

    package func path(_ name: String) -> String { folder.path(name) }

    private static let text = """
        name: small
        model:
          inputs: {input: {shape: [6]}}
          layers:
            - {name: hidden, class: Dense, inputs: input, units: 8, activation: relu}
            - {name: kind, class: Dense, inputs: hidden, units: 3, activation: softmax}
            - {name: box, class: Dense, inputs: hidden, units: 2, activation: sigmoid}
          outputs: [kind, box]
        outputs:
          kind: {loss: sparse_categorical_crossentropy, metrics: [accuracy]}
          box: {loss: mean_squared_error, weight: 0.5, metrics: [mean_absolute_error]}
        data:
          train: {files: train.npz}
          validation: {files: validation.npz}
          test: {files: test.npz}
        optimizer: {class: Adam, learning_rate: 0.01}
        training: {epochs: 2, batch_size: 16}

        """
}

/// Samples that can be learnt: the class is that of the largest of the first three numbers.
package struct SmallData {
    package var samples: Int
    package var input: [Float]
    package var kind: [Int32]
    package var box: [Float]
    package var weights: [Float]?
    /// The names in the archive.
    package var names = (input: "input", kind: "kind", box: "box")

    package init(samples: Int, stream: UInt64) {
        var random = PhiloxSequence(seed: 7, stream: stream)
        self.samples = samples
        input = (0..<samples * 6).map { _ in random.nextUniform(-1, 1) }
        let input = input
        kind = (0..<samples).map { sample in
            let row = input[sample * 6..<sample * 6 + 3]
            return Int32(row.firstIndex(of: row.max() ?? 0).map { $0 - sample * 6 } ?? 0)
        }
        box = (0..<samples * 2).map { (input[$0 / 2 * 6 + 3 + $0 % 2] + 1) / 2 }
    }

    package func write(to path: String) throws {
        var arrays: [NpzWriter.ArrayDescription] = [
            .init(names.input, .float32, shape: [samples, 6]), .init(names.kind, .int32, shape: [samples]),
            .init(names.box, .float32, shape: [samples, 2]),
        ]
        if weights != nil { arrays.append(.init("kind_weight", .float32, shape: [samples])) }
        let writer = try NpzWriter(path: path, arrays: arrays)
        try writer.append(input, to: 0)
        try writer.append(kind, to: 1)
        try writer.append(box, to: 2)
        if let weights { try writer.append(weights, to: 3) }
        try writer.finish()
    }
}
