import CAllocationCounter
import Foundation
import MIO
import MIOBenchmark
import MIOComm

// Trains one of the two models through the whole loop (prefetching, logs, everything a worker does between two
// steps) and prints, as one line of JSON, what its thread allocated from one step to the next, outside oneDNN.
//
//     mio-allocation-check two-heads|image-metadata native|reference
//
// `missing` is the same with elements of an output's labels missing, `traced` with every step on a timeline, `rules` with
// kernels that have a regularizer and a constraint, `layers` with other layers between the same inputs and outputs: steps of
// several stages, sequences. `known` is what the counter says of allocations that are there, so that a counter that counts
// nothing shows.

/// What a class instance, a block of C's and an aligned block of `Storage` are counted as.
func countKnownAllocations() -> Int {
    final class Instance { var value = 0 }
    let before = mio_thread_allocations()
    let instance = Instance()
    let block = malloc(24)
    let storage = Storage<Float>(count: 100)
    let count = mio_thread_allocations() - before
    withExtendedLifetime((instance, storage)) { free(block) }
    return Int(count)
}

/// The model's inputs and outputs with normalizations and, of the vector, a sequence between them.
func withOtherLayers(_ model: StartingModel) throws -> Model {
    switch model {
    case .imageMetadata:
        let image = Input("image", shape: [12, 12, 3])
        let metadata = Input("metadata", shape: [10])
        let conv = BatchNormalization()(Conv2D(16, kernelSize: 3)(image))
        let features = Flatten()(BatchNormalization()(Conv2D(8, kernelSize: 3, activation: .relu)(conv)))
        let joined = Concatenate()([features, LayerNormalization()(metadata)])
        return try Model(
            inputs: [image, metadata], outputs: [Dense(1, activation: .sigmoid, name: "answer")(joined)])
    case .twoHeads:
        let input = Input("input", shape: [100])
        let steps = Reshape([10, 10])(BatchNormalization()(input))
        let sequence = Bidirectional(LSTM(6, returnSequences: true))(steps)
        let last = LSTM(8)(TimeDistributed(Dense(7, activation: .gelu))(sequence))
        return try Model(
            inputs: [input],
            outputs: [
                Dense(10, activation: .softmax, name: "kind")(last),
                Dense(4, activation: .sigmoid, name: "box")(BatchNormalization()(last)),
            ])
    }
}

let logsEvery = 10
let batches = 60

func train(
    _ model: StartingModel, _ kernels: KernelSelection, traces: Bool = false, missing: Bool = false,
    rules: WeightRules = .none, network: Model? = nil
) throws -> [Int] {
    let folder = FileManager.default.temporaryDirectory.path + "/mio-allocations-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try model.writeData(rows: 4 * batches, imageSide: 12, missing: missing, to: folder + "/train.npz")
    let job = try Job(
        name: "allocations", model: network ?? model.model(imageSide: 12, kernels: rules),
        outputs: model.outputs,
        data: JobData(train: DataSource("train.npz")), training: TrainingOptions(batchSize: 4),
        checkpoints: CheckpointOptions(everyEpochs: 0), logging: LoggingOptions(everySteps: logsEvery),
        folder: folder)
    let session = try Session(
        job: job, communicator: LoopbackCommunicator(), makeBackend: kernels.makeBackend)
    let run = try TrainingRun(
        session, trace: traces ? TraceRequest(path: folder + "/trace.json", steps: 1...batches) : nil)
    // The loop asks once a step whether to stop: from one asking to the next is everything that a step takes.
    let counts = Storage<Int64>(count: batches + 1)
    var asked = 0
    _ = try run.run(resume: .never, console: nil) {
        if asked < counts.count {
            counts.pointer[asked] = mio_thread_allocations() - mio_thread_allocations_in_onednn()
        }
        asked += 1
        return false
    }
    return (1..<min(asked, batches)).map { Int(counts.pointer[$0] - counts.pointer[$0 - 1]) }
}

guard CommandLine.arguments.count == 3, let model = StartingModel(rawValue: CommandLine.arguments[1]),
    let kernels = KernelSelection(rawValue: CommandLine.arguments[2])
else {
    print("usage: mio-allocation-check two-heads|image-metadata native|reference")
    exit(64)
}
do {
    let known = countKnownAllocations()
    let steps = try train(model, kernels)
    let missing = try train(model, kernels, missing: true)
    let traced = try train(model, kernels, traces: true)
    let ruled = try train(
        model, kernels,
        rules: WeightRules(regularizer: L1L2(l1: 0.001, l2: 0.001), constraint: MaxNorm(0.5)))
    let layers = try train(model, kernels, network: withOtherLayers(model))
    print(
        #"{"known": \#(known), "steps": \#(steps), "missing": \#(missing), "traced": \#(traced), "#
            + #""rules": \#(ruled), "layers": \#(layers)}"#
    )
} catch {
    print("mio-allocation-check: \(error)")
    exit(1)
}
