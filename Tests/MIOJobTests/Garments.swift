import MIOGraph
import MIOJob

/// The job of the contract, and what it says in Swift.
enum Garments {
    static let yaml = """
        name: garments
        seed: 7
        model:
          inputs:
            image:    {shape: [64, 64, 1]}
            metadata: {shape: [10]}
          layers:
            - {name: conv1, class: Conv2D, inputs: image, filters: 32, kernel_size: 3, activation: relu}
            - {name: flat, class: Flatten, inputs: conv1}
            - {name: joined, class: Concatenate, inputs: [flat, metadata]}
            - {name: kind, class: Dense, inputs: joined, units: 10, activation: softmax}
            - {name: box, class: Dense, inputs: joined, units: 4, activation: sigmoid}
          outputs: [kind, box]
        outputs:
          kind: {loss: sparse_categorical_crossentropy, weight: 1.0, metrics: [accuracy]}
          box:  {loss: mean_squared_error, weight: 0.5, metrics: [mean_absolute_error]}
        data:
          train:      {files: "data/train-*.npz"}
          validation: {files: "data/validation-*.npz"}
        optimizer: {class: Adam, learning_rate: 0.001}
        training: {epochs: 5, batch_size: 64, shuffle: true}   # batch_size is global
        checkpoints: {every_steps: 200, keep: 3}
        logging: {every_steps: 10}
        run_directory: runs/garments

        """

    static func model() throws -> Model {
        let image = Input("image", shape: [64, 64, 1])
        let metadata = Input("metadata", shape: [10])
        let flat = Flatten(name: "flat")(Conv2D(32, kernelSize: 3, activation: .relu, name: "conv1")(image))
        let joined = concatenate([flat, metadata], name: "joined")
        return try Model(
            inputs: [image, metadata],
            outputs: [
                Dense(10, activation: .softmax, name: "kind")(joined),
                Dense(4, activation: .sigmoid, name: "box")(joined),
            ])
    }

    /// The job with one piece of its text replaced.
    static func job(replacing piece: String, with other: String, overrides: [String] = []) throws -> Job {
        precondition(yaml.contains(piece), "the job has no \(piece)")
        return try Job(
            yaml: yaml.replacing(piece, with: other), folder: "/jobs/garments", overrides: overrides)
    }

    static func job(overrides: [String] = []) throws -> Job {
        try Job(yaml: yaml, folder: "/jobs/garments", overrides: overrides)
    }
}
