import MIOBase
import MIOData

/// The jobs that the tests train: both models that mio starts from, small, and one of every image layer.
struct SampleJob {
    let text: String
    /// The length of the longest sum in a step's forward or backward pass.
    let longestSum: Int
    /// Writes `rows` samples to a file.
    private let write: @Sendable (_ rows: Range<Int>, _ labelled: Set<Int>?, _ path: String) throws -> Void

    /// Writes the job and its shards of the given sizes; returns the job file's path.
    /// - Parameter labelled: the rows, over all shards, whose first output has a label; `nil` for all.
    func prepare(
        in folder: TrainingFolder, shards: [Int], labelled: Set<Int>? = nil, validation: Int = 5
    ) throws -> String {
        var first = 0
        for (index, rows) in shards.enumerated() {
            try write(first..<first + rows, labelled, folder.path("train-\(index).npz"))
            first += rows
        }
        try write(first..<first + validation, nil, folder.path("validation.npz"))
        return try folder.write(text)
    }

    private static let ending = """
        data:
          train: {files: "train-*.npz"}
          validation: {files: validation.npz}
        optimizer: {class: SGD, learning_rate: 0.05, momentum: 0.9}
        training: {epochs: 2, batch_size: 8}
        checkpoints: {every_steps: 2, keep: 3}
        logging: {every_steps: 1, tensorboard: false}
        run_directory: run
        """

    /// One vector in, two answers out; with dropout, sample weights and one output that may lack labels.
    static let twoHeads = SampleJob(
        text: """
            name: two-heads
            seed: 7
            model:
              inputs: {input: {shape: [100]}}
              layers:
                - {name: class_hidden, class: Dense, inputs: input, units: 32, activation: relu}
                - {name: dropped, class: Dropout, inputs: class_hidden, rate: 0.25}
                - {name: kind, class: Dense, inputs: dropped, units: 10, activation: softmax}
                - {name: box_hidden, class: Dense, inputs: input, units: 64, activation: relu}
                - {name: box, class: Dense, inputs: box_hidden, units: 4, activation: sigmoid}
              outputs: [kind, box]
            outputs:
              kind: {loss: sparse_categorical_crossentropy, metrics: [accuracy]}
              box: {loss: mean_squared_error, weight: 0.5, metrics: [mean_absolute_error]}
            \(ending)
            """,
        longestSum: 100, write: writeTwoHeads)

    /// The same data: a nested model of two results called twice, with a dropout and a sequence in it, and a frozen layer.
    static let nested = SampleJob(
        text: """
            name: nested
            seed: 7
            model:
              inputs: {input: {shape: [100]}}
              layers:
                - {name: first, class: Dense, inputs: input, units: 16, activation: relu}
                - {name: second, class: Dense, inputs: input, units: 16, activation: tanh}
                - name: encoder
                  class: Functional
                  inputs: first
                  model:
                    inputs: {x: {shape: [16]}}
                    layers:
                      - {name: dropped, class: Dropout, inputs: x, rate: 0.25}
                      - name: tower
                        class: Sequential
                        inputs: dropped
                        layers:
                          - {name: d, class: Dense, units: 12, activation: tanh}
                          - {name: dropped, class: Dropout, rate: 0.25}
                          - {name: last, class: Dense, units: 8}
                      - {name: d, class: Dense, inputs: x, units: 4}
                    outputs: [tower, d]
                - {name: again, layer: encoder, inputs: second}
                - {name: joined, class: Concatenate, inputs: [encoder, again, "encoder:1", "again:1"]}
                - {name: kind, class: Dense, inputs: joined, units: 10, activation: softmax}
                - {name: box, class: Dense, inputs: joined, units: 4, activation: sigmoid}
              outputs: [kind, box]
            freeze: ["encoder/tower/last"]
            outputs:
              kind: {loss: sparse_categorical_crossentropy, metrics: [accuracy]}
              box: {loss: mean_squared_error, weight: 0.5, metrics: [mean_absolute_error]}
            \(ending)
            """,
        longestSum: 100, write: writeTwoHeads)

    private static func writeTwoHeads(range: Range<Int>, labelled: Set<Int>?, path: String) throws {
        let rows = range.count
        var maker = SampleMaker(firstRow: range.lowerBound)
        let kind = zip(range, maker.labels(rows, classes: 10)).map {
            labelled?.contains($0) ?? true ? $1 : -1
        }
        try NpzWriter.write(
            [
                ("input", maker.uniform([rows, 100])), ("kind", Tensor(shape: [rows], values: kind)),
                ("box", maker.uniform([rows, 4], 0)),
                ("box_weight", Tensor(shape: [rows], values: (0..<rows).map { Float($0 % 3) })),
            ], to: path)
    }

    /// Image and metadata in, one answer out.
    static let imageAndMetadata = SampleJob(
        text: """
            name: image-metadata
            seed: 7
            model:
              inputs: {image: {shape: [16, 16, 3]}, metadata: {shape: [10]}}
              layers:
                - {name: conv1, class: Conv2D, inputs: image, filters: 32, kernel_size: 3, activation: relu}
                - {name: conv2, class: Conv2D, inputs: conv1, filters: 64, kernel_size: 3, activation: relu}
                - {name: flat, class: Flatten, inputs: conv2}
                - {name: context1, class: Dense, inputs: metadata, units: 16, activation: relu}
                - {name: context2, class: Dense, inputs: context1, units: 32, activation: relu}
                - {name: joined, class: Concatenate, inputs: [flat, context2]}
                - {name: answer, class: Dense, inputs: joined, units: 1, activation: sigmoid}
              outputs: [answer]
            outputs:
              answer: {loss: binary_crossentropy, metrics: [accuracy]}
            \(ending)
            """,
        // The answer's input: 12·12·64 + 32.
        longestSum: 9248, write: writeImages)

    /// Strides, both paddings, pooling, a shared layer, a sum of branches.
    static let imageLayers = SampleJob(
        text: """
            name: image-layers
            seed: 7
            model:
              inputs: {image: {shape: [16, 16, 3]}, metadata: {shape: [10]}}
              layers:
                - name: wide
                  class: Conv2D
                  inputs: image
                  filters: 8
                  kernel_size: 3
                  strides: 2
                  padding: same
                  activation: tanh
                - {name: shared, class: Conv2D, inputs: wide, filters: 8, kernel_size: 3, padding: same}
                - {name: pooled, class: MaxPooling2D, inputs: shared, pool_size: 3, strides: 2, padding: same}
                - {name: again, layer: shared, inputs: pooled}
                - {name: bent, class: Activation, inputs: again, activation: tanh}
                - {name: sum, class: Add, inputs: [bent, pooled]}
                - {name: small, class: MaxPooling2D, inputs: sum, pool_size: 2}
                - {name: flat, class: Flatten, inputs: small}
                - {name: joined, class: Concatenate, inputs: [flat, metadata]}
                - {name: row, class: Reshape, inputs: joined, target_shape: [42]}
                - {name: answer, class: Dense, inputs: row, units: 1, activation: sigmoid}
              outputs: [answer]
            outputs:
              answer: {loss: binary_crossentropy}
            \(ending)
            """,
        // The kernels' gradients: 8·8 positions of each of 8 samples.
        longestSum: 512, write: writeImages)

    private static func writeImages(range: Range<Int>, labelled: Set<Int>?, path: String) throws {
        let rows = range.count
        var maker = SampleMaker(firstRow: range.lowerBound)
        let answer = zip(range, maker.labels(rows, classes: 2)).map {
            labelled?.contains($0) ?? true ? $1 : .nan
        }
        try NpzWriter.write(
            [
                ("image", maker.uniform([rows, 16, 16, 3])), ("metadata", maker.uniform([rows, 10])),
                ("answer", Tensor(shape: [rows, 1], values: answer)),
            ], to: path)
    }
}
