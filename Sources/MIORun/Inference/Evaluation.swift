import MIOBase
import MIOBatches
import MIOComm
import MIOData
import MIOFormats
import MIOJob
import MIOMachine
import MIOTraining

/// Losses and metrics of trained weights over a data set: what validation computes at the end of an epoch.
public struct Evaluation: Sendable, Hashable {
    /// Keras' log names, without `val_`: `loss`, `kind_loss`, `kind_accuracy`.
    public let names: [String]
    /// In the order of `names`.
    public let values: [Double]
    /// The samples.
    public let samples: Int
    /// What the data is called: `test`, `validation`, `train`, or the glob.
    public let data: String
    /// The file the weights came from.
    public let weightsPath: String

    /// Evaluates on all ranks of the session.
    /// - Throws: one error, the same on all ranks: of the job's data, its labels, or the weights.
    package static func run(
        _ session: Session, data: DataSelection = .automatic, weights: WeightsSource = .automatic
    ) throws -> Evaluation {
        let session = try session.settlingClasses(.weights(weights))
        let job = session.job
        let communicator = session.communicator
        let (file, warnings) = try communicator.agree(on: "the weights") { try weights.open(for: job) }
        if communicator.rank == 0 {
            for warning in [job.copyWarning].compactMap(\.self) + warnings {
                Message.write("warning: \(warning)")
            }
        }
        return try run(
            session, communicator.agree(on: "the data") { try data.select(in: job) }, weightsPath: file.path
        ) { try $0.load(file) }
    }

    /// Evaluates samples in memory.
    /// - Parameter load: gives the replica its weights.
    /// - Throws: one error, the same on all ranks.
    package static func compute(_ session: Session, _ samples: Samples, load: (Replica) throws -> Void) throws
        -> Evaluation
    {
        try run(
            session, SelectedData(key: "test", source: DataSource(samples)), weightsPath: "memory", load: load
        )
    }

    /// - Parameter load: gives the replica its weights; may fail on some ranks alone.
    private static func run(
        _ session: Session, _ data: SelectedData, weightsPath: String, load: (Replica) throws -> Void
    ) throws -> Evaluation {
        let job = session.job
        let communicator = session.communicator
        let columns = ColumnMap(graph: job.graph, outputs: job.outputs)
        let dataset = try session.openDataset(data, columns: columns.requests)
        try FiniteCheck(session: session).run(dataset, place: data.place, isTrained: false)
        try IntegerCheck(session: session).run(dataset, place: data.place)
        try LabelCheck(session: session, columns: columns).run(dataset, of: data)
        let schedule = BatchSchedule(rowCount: dataset.rowCount, batchSize: job.training.batchSize)
        let replica = try session.makeReplica(schedules: [schedule])
        try communicator.agree(on: "the weights") { try load(replica) }
        let validation = Validation(
            replica: replica, dataset: dataset, batchSize: job.training.batchSize, session: session)
        switch try validation.run(isInterrupted: { false }) {
        case .values(let values, let nonFinite):
            if let nonFinite, communicator.rank == 0 { Message.write("warning: \(nonFinite)") }
            return Evaluation(
                names: validation.names, values: values, samples: dataset.rowCount, data: data.name,
                weightsPath: weightsPath)
        case .interrupted:
            throw RunError("the evaluation was interrupted, though nobody asked", exitCode: .internalError)
        }
    }

    /// The number of that log name; `nil` if there is none.
    public subscript(name: String) -> Double? { names.firstIndex(of: name).map { values[$0] } }
}

extension Evaluation: CustomStringConvertible {
    /// `loss 0.4127, kind_accuracy 0.86`
    public var description: String {
        zip(names, values).map { "\($0) \(shortText($1))" }.joined(separator: ", ")
    }
}
