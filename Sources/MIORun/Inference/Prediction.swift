import Foundation
import MIOBase
import MIOBatches
import MIOComm
import MIOData
import MIOFormats
import MIOJob
import MIOMachine
import MIOTraining

/// A model's outputs for every sample of a data set, written to an `.npz` file.
public struct Prediction: Sendable, Hashable {
    /// The samples.
    public let samples: Int
    /// Each output's name and the shape of one sample, in the model's order: the arrays of the file.
    public let outputs: [Output]
    /// The file the weights came from.
    public let weightsPath: String

    /// An output that is predicted.
    public struct Output: Sendable, Hashable {
        /// The name of the output.
        public let name: String
        /// Of one sample.
        public let shape: Shape
    }

    /// Predicts batch by batch, on all ranks of the session: memory holds a batch, never the data set. Row i of every
    /// array belongs to sample i, in the order of the shards; elements are 32-bit floats in Keras' shape. The data needs no
    /// targets. Where an output has names of classes, an array of texts `<output>_classes` holds them: element c is
    /// the name of class c.
    ///
    /// Rank 0 writes the file, which appears when it is whole.
    /// - Parameter path: of the file, which is replaced if it is there.
    /// - Throws: one error, the same on all ranks: of the job's data, the weights, or the file.
    package static func run(
        _ session: Session, data: DataSelection = .automatic, weights: WeightsSource = .automatic,
        to path: String
    ) throws -> Prediction {
        let session = try session.settlingClasses(.weights(weights))
        let job = session.job
        let communicator = session.communicator
        let file = try openWeights(weights, of: session)
        let data = try communicator.agree(on: "the data") { try data.select(in: job) }
        let pass = try PredictionPass(session, data: data) { try $0.load(file) }
        let writer = try communicator.agree(on: "the predictions", .ofOneRank) {
            communicator.rank == 0 ? try makeWriter(path, for: pass) : nil
        }
        try pass.run(for: .firstRank) { output, values in try writer?.append(values, to: output) }
        try communicator.agree(on: "the predictions", .ofOneRank) { try writer?.finish() }
        return Prediction(samples: pass.count, outputs: pass.outputs, weightsPath: file.path)
    }

    private static func makeWriter(_ path: String, for pass: PredictionPass) throws -> NpzWriter {
        func resolved(_ path: String) -> String { URL(fileURLWithPath: path).resolvingSymlinksInPath().path }
        if let input = pass.dataset.files.first(where: { resolved($0) == resolved(path) }) {
            throw RunError(
                "\(path): is an input, \(input), and would be replaced; name another file to write",
                exitCode: .usage)
        }
        return try NpzWriter(
            path: path,
            arrays: pass.outputs.map {
                .init($0.name, .float32, shape: Shape([pass.count] + $0.shape.dimensions))
            },
            texts: pass.session.job.outputs.compactMap { output in
                output.classes?.names.map { (name: output.name + "_classes", values: $0) }
            })
    }

    /// A job's outputs for samples in memory.
    /// - Returns: as ``compute(_:_:load:)``.
    /// - Throws: one error, the same on all ranks.
    package static func run(_ session: Session, _ samples: Samples, weights: WeightsSource) throws
        -> [(name: String, values: Tensor)]
    {
        let session = try session.settlingClasses(.weights(weights))
        let file = try openWeights(weights, of: session)
        return try compute(session, samples) { try $0.load(file) }
    }

    /// The file with the weights; rank 0 warns.
    private static func openWeights(_ weights: WeightsSource, of session: Session) throws -> TrainedWeights {
        let job = session.job
        let (file, warnings) = try session.communicator.agree(on: "the weights") {
            try weights.open(for: job)
        }
        if session.communicator.rank == 0 {
            for warning in [job.copyWarning].compactMap(\.self) + warnings {
                Message.write("warning: \(warning)")
            }
        }
        return file
    }

    /// A model's outputs for samples in memory.
    /// - Parameter load: gives the replica its weights.
    /// - Returns: each output's name and values, in the model's order: (samples, the output's shape), on all ranks.
    /// - Throws: one error, the same on all ranks.
    package static func compute(_ session: Session, _ samples: Samples, load: (Replica) throws -> Void) throws
        -> [(name: String, values: Tensor)]
    {
        let pass = try PredictionPass(
            session, data: SelectedData(key: "test", source: DataSource(samples)), load: load)
        let counts = pass.outputs.map { $0.shape.count.clampedTimes(pass.count) }
        try session.communicator.agree(on: "memory") {
            for count in counts { try MemoryLimit.verify(count.clampedTimes(4), for: "the predictions") }
        }
        var values = counts.map { count in
            var values = [Float]()
            values.reserveCapacity(count)
            return values
        }
        try pass.run(for: .allRanks) { output, computed in values[output].append(contentsOf: computed) }
        return zip(pass.outputs, values).map {
            ($0.name, Tensor(shape: Shape([pass.count] + $0.shape.dimensions), values: $1))
        }
    }
}
