import MIOBase
import MIOConfig
import MIOFormats
import MIORecords

/// A checkpoint at `step` of a small model, its state empty unless given.
func sampleCheckpoint(
    step: Int, state: ConfigValue = .null, kernel: Shape = [2, 3], name: String = "dense/kernel"
) -> Checkpoint {
    let weights = [
        NamedTensor(
            name: name,
            Tensor(shape: kernel, values: [Float](repeating: Float(step), count: kernel.count))),
        NamedTensor(name: "dense/bias", Tensor(shape: [3], values: [0.1, -3e38, Float(step)])),
    ]
    let optimizer = [
        NamedTensor(name: "dense/kernel/momentum", Tensor(shape: [1], values: [Float(step) / 2]))
    ]
    return Checkpoint(
        mioVersion: "0.1.0", step: step, epoch: 2, position: 640, seed: 7, jobName: "garments", worldSize: 4,
        state: state, weights: weights, optimizer: optimizer)
}

let sampleModel = [
    StoredWeight(name: "dense/kernel", shape: [2, 3]),
    StoredWeight(name: "dense/bias", shape: [3]),
]
