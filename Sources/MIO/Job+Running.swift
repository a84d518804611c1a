import MIOBase
import MIOComm
import MIOData
import MIOJob
import MIORun
import MIOTuning

/// What a training in a run's folder ends with.
public struct TrainingResult: Hashable, Sendable {
    /// Whether all epochs are done, or the training was asked to stop.
    public let outcome: RunOutcome
    /// The epochs that ended in this process: one that continued an earlier run has none of that run's.
    public let history: History
}

/// A job's run from a program: what `mio-worker`, `mio evaluate` and `mio predict` do. Started by `mpirun`, all ranks do
/// each call together: see ``Ranks``.
extension Job {
    /// Trains in the run's folder, and returns when all epochs are done or a signal has stopped it: checkpoints, logs and
    /// the finished model are there. The same call again continues.
    ///
    /// SIGTERM and SIGUSR1 stop it after a checkpoint: end the program with ``Ranks/end(_:)`` then, so that its exit code
    /// tells. They are the program's own again when this returns.
    /// - Parameters:
    ///   - resume: what to continue from.
    ///   - showsProgress: whether rank 0 writes a line for each logged step and epoch to standard output.
    /// - Throws: one error, the same on all ranks.
    @discardableResult
    public func train(resume: ResumeMode = .automatic, showsProgress: Bool = true) throws -> TrainingResult {
        let communicator = try Ranks.join().communicator
        return try StopSignal.whileInstalled(rank: communicator.size > 1 ? communicator.rank : nil) {
            try RankProcess.train(
                self, on: communicator, resume: resume, kernels: .native, trace: nil,
                showsProgress: showsProgress)
        }
    }

    /// Losses and metrics of trained weights over `data.test`, else `data.validation`, or other data.
    /// - Parameters:
    ///   - data: what to evaluate.
    ///   - weights: those of the run's folder unless others are named.
    /// - Returns: the same on all ranks.
    /// - Throws: one error, the same on all ranks.
    public func evaluate(data: DataSelection = .automatic, weights: WeightsSource = .automatic) throws
        -> Evaluation
    {
        try Evaluation.run(inferenceSession(), data: data, weights: weights)
    }

    /// Writes the outputs of trained weights to an `.npz` file: an array for each output. Rank 0 writes.
    /// - Parameters:
    ///   - data: what to predict; it needs no targets.
    ///   - weights: those of the run's folder unless others are named.
    ///   - path: of the file, which appears when it is whole.
    /// - Throws: one error, the same on all ranks.
    @discardableResult
    public func predict(
        data: DataSelection = .automatic, weights: WeightsSource = .automatic, to path: String
    ) throws -> Prediction {
        try Prediction.run(inferenceSession(), data: data, weights: weights, to: path)
    }

    /// The outputs of trained weights for samples in memory, by name: row i of each is of sample i.
    /// - Parameters:
    ///   - samples: an array for each input; the same on all ranks.
    ///   - weights: those of the run's folder unless others are named.
    /// - Returns: the same on all ranks.
    /// - Throws: one error, the same on all ranks.
    public func predict(_ samples: Samples, weights: WeightsSource = .automatic) throws -> [String: Tensor] {
        let predictions = try Prediction.run(inferenceSession(), samples, weights: weights)
        return Dictionary(uniqueKeysWithValues: predictions.map { ($0.name, $0.values) })
    }

    private func inferenceSession() throws -> Session {
        try Session(
            job: self, communicator: Ranks.join().communicator, purpose: .inference,
            makeBackend: KernelSelection.native.makeBackend)
    }
}
