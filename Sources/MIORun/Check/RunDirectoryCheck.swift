import Foundation
import MIOCoordinator
import MIOFiles
import MIOJob
import MIOTensor

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where a run would write, and what it would continue from. Creates nothing.
public struct RunDirectoryCheck: Sendable, Hashable {
    public let path: String
    /// Bytes that may be written there; `nil` if the system does not say.
    public let freeBytes: Int?
    /// Where training would go on; `nil` if it would start.
    public let continues: Position?

    public struct Position: Sendable, Hashable {
        public let checkpoint: String
        public let step: Int
        /// Epochs done.
        public let epoch: Int
    }

    /// - Parameters:
    ///   - order: of the training's samples; `nil` if its data could not be read.
    ///   - checkpointBytes: of one checkpoint; `nil` if that is not known.
    init(_ job: Job, order: SampleOrder?, checkpointBytes: Int?, into findings: inout Findings) {
        path = job.runDirectory
        var existing = path
        while !Folder.exists(existing), Folder.parent(of: existing) != existing {
            existing = Folder.parent(of: existing)
        }
        if !Folder.isFolder(existing) {
            findings.addError(
                "run_directory \(path): \(existing) is a file; choose another folder", exitCode: .inputOutput)
        } else if access(existing, W_OK | X_OK) != 0 {
            findings.addError(
                "run_directory \(path): no right to write to \(existing); choose another folder",
                exitCode: .inputOutput)
        }
        var system = statvfs()
        freeBytes = statvfs(existing, &system) == 0 ? Int(system.f_bavail) * Int(system.f_frsize) : nil
        if let freeBytes, let checkpointBytes {
            // One more while it is written, and the finished model.
            let kept = min(job.checkpoints.keep, Int(Int32.max)) + 2
            let (product, overflow) = kept.multipliedReportingOverflow(by: checkpointBytes)
            let needed = overflow ? Int.max : product
            if needed > freeBytes {
                findings.warn(
                    "run_directory \(path): checkpoints take up to \(byteText(needed)), and \(byteText(freeBytes)) "
                        + "are free; lower checkpoints.keep or choose another folder")
            }
        }
        do {
            continues = try Self.position(job, order: order, into: &findings)
        } catch {
            continues = nil
            findings.add(error)
        }
    }

    private static func position(_ job: Job, order: SampleOrder?, into findings: inout Findings) throws
        -> Position?
    {
        let store = CheckpointStore(
            folder: RunDirectory.checkpointsPath(in: job.runDirectory), keep: job.checkpoints.keep)
        let model = job.graph.parameters.map { ParameterDescription(name: $0.name, shape: $0.shape) }
        guard let found = try store.newestValid(for: model) else { return nil }
        for warning in found.warnings { findings.warn(warning) }
        let state = try TrainingState(found.checkpoint)
        if let order,
            let warning = try state.order.verifyContinues(found.checkpoint, job: job, as: order)
        {
            findings.warn(warning)
        }
        if state.position.epoch >= job.training.epochs {
            findings.warn("\(found.checkpoint.path): \(job.nothingToTrain)")
        }
        return Position(
            checkpoint: found.checkpoint.path, step: state.position.step, epoch: state.position.epoch)
    }
}

extension Job {
    var nothingToTrain: String {
        "all \(counted(training.epochs, "epoch")) are done, and nothing is left to train; raise training.epochs, or start "
            + "over with --resume never"
    }
}
