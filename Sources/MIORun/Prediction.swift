import Foundation
import MIOComm
import MIOData
import MIOTensor
import MIOTraining

/// A model's outputs for every sample of a data set, written to an `.npz` file.
public struct Prediction: Sendable, Hashable {
    /// The samples.
    public let samples: Int
    /// Each output's name and the shape of one sample, in the model's order: the arrays of the file.
    public let outputs: [Output]
    /// The file the weights came from.
    public let weightsPath: String

    public struct Output: Sendable, Hashable {
        public let name: String
        public let shape: Shape
    }

    /// Predicts batch by batch: memory holds a batch, never the data set. Row i of every array belongs to
    /// sample i, in the order of the shards; elements are 32-bit floats in Keras' shape. The data needs no
    /// targets. Where an output has names of classes, an array of texts `<output>_classes` holds them: element c is
    /// the name of class c.
    ///
    /// The file appears when it is whole.
    /// - Parameter path: of the file, which is replaced if it is there.
    /// - Precondition: the session has one rank.
    /// - Throws: `DataError`, `FileError`, `FormatError`, `RunError`.
    public static func run(
        _ session: Session, data: DataSelection = .automatic, weights: WeightsSource = .automatic,
        to path: String
    ) throws -> Prediction {
        precondition(session.communicator.size == 1, "one process writes a prediction")
        let session = try session.settlingClasses(.weights(weights))
        let job = session.job
        let (file, warnings) = try weights.open(for: job)
        for warning in [job.copyWarning].compactMap(\.self) + warnings {
            Message.write("warning: \(warning)")
        }
        let data = try data.select(in: job)
        let columns = ColumnMap(graph: job.graph, outputs: [], inputsOnly: true)
        let dataset = try session.openDataset(data, columns: columns.requests)
        let schedule = BatchSchedule(rowCount: dataset.rowCount, batchSize: job.training.batchSize)
        for message in try FiniteCheck(session: session).messages(dataset, place: data.place) {
            Message.write("warning: " + message + "; the predictions of such samples mean nothing")
        }
        try IntegerCheck(session: session).run(dataset, place: data.place)
        let replica = try session.makeReplica(schedules: [schedule], outputs: [])
        try replica.load(file)

        func resolved(_ path: String) -> String { URL(fileURLWithPath: path).resolvingSymlinksInPath().path }
        if let input = dataset.files.first(where: { resolved($0) == resolved(path) }) {
            throw RunError(
                "\(path): is an input, \(input), and would be replaced; name another file to write",
                exitCode: .usage)
        }
        let outputs = replica.plan.heads.map { Output(name: $0.name, shape: $0.shape) }
        let writer = try NpzWriter(
            path: path,
            arrays: outputs.map {
                .init($0.name, .float32, shape: Shape([dataset.rowCount] + $0.shape.dimensions))
            },
            texts: job.outputs.compactMap { output in
                output.classes?.names.map { (name: output.name + "_classes", values: $0) }
            })
        let predictor = Predictor(replica: replica, shards: session.shards)
        let prefetcher = try Prefetcher(
            dataset: dataset,
            configuration: .init(batchSize: job.training.batchSize, endEpoch: 1, shuffle: false))
        defer { prefetcher.stop() }
        var nonFinite = NonFinitePredictions(outputs: outputs)
        while let batch = try prefetcher.next() {
            nonFinite.begin(batch)
            if let fault = replica.firstNumberFault(batch, 0..<batch.count) {
                throw fault.error(in: dataset, batch, job.graph)
            }
            try predictor.run(batch) { output, _, values in
                nonFinite.look(at: values, of: output)
                try writer.append(values, to: output)
            }
        }
        try writer.finish()
        let diagnosis = NonFiniteDiagnosis(
            columns: columns, dataset: dataset, communicator: session.communicator)
        if let warning = nonFinite.warning(diagnosis) { Message.write("warning: \(warning)") }
        return Prediction(samples: dataset.rowCount, outputs: outputs, weightsPath: file.path)
    }
}
