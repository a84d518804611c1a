import Foundation
import MIOBase
import MIOFiles
import MIOJob
import MIORecords

/// What a training writes into its folder, in bytes: an estimate from the model's shapes and the rules about checkpoints.
package struct SpaceNeed: Hashable, Sendable {
    /// Of one checkpoint.
    package let checkpoint: Int
    /// Of the finished model's files.
    package let model: Int
    /// How many checkpoints there are at the end.
    package let kept: Int

    /// What the headers and descriptions of a file take, and those of each tensor.
    private static let ofFile = 16 << 10
    private static let ofTensor = 256
    /// Of each variable in an HDF5 file.
    private static let ofVariable = 2 << 10

    package init(_ job: Job, stepsPerEpoch: Int) {
        let weights = job.graph.weights
        let slots = job.optimizer.stateNames.count
        var (all, trained, tensors) = (0, 0, weights.count)
        for weight in weights {
            let bytes = weight.shape.count.clampedTimes(MemoryLayout<Float>.size)
            all = all.clampedPlus(bytes)
            guard weight.trainable else { continue }
            trained = trained.clampedPlus(bytes)
            tensors += slots
        }
        let state = all.clampedPlus(trained.clampedTimes(slots))
        let keepsBest = job.callbacks.contains(where: \.restoresBestWeights)
        checkpoint = state.clampedPlus(keepsBest ? all : 0)
            .clampedPlus(Self.ofFile + tensors * Self.ofTensor)
        model = all.clampedPlus(state).clampedPlus(2 * Self.ofFile + tensors * Self.ofVariable)

        let rules = job.checkpoints
        let steps = stepsPerEpoch.clampedTimes(job.training.epochs)
        func times(_ total: Int, each: Int) -> Int { each > 0 ? total / each : 0 }
        // The last step has one whatever the rules say.
        let written =
            rules.every == nil
            ? times(steps, each: rules.everySteps)
                .clampedPlus(times(job.training.epochs - 1, each: rules.everyEpochs)).clampedPlus(1)
            : .max
        kept = min(rules.keep.last.clampedPlus(rules.keep.best), written)
            .clampedPlus(times(steps, each: rules.keep.everySteps))
    }

    /// What must be free beside so many checkpoints: for one more, and for the finished model, which is written when the
    /// checkpoints that were replaced are gone.
    package func least(beside existing: Int) -> Int {
        existing >= kept ? max(checkpoint, model) : checkpoint.clampedPlus(model)
    }

    /// What may have to be free beside so many checkpoints: for those that stay, one that is being written, and the model.
    package func most(beside existing: Int) -> Int {
        max(0, kept - existing).clampedPlus(1).clampedTimes(checkpoint).clampedPlus(model)
    }

    /// Looks whether the run's folder has room, before anything is written into it.
    /// - Parameter path: of the run's folder, which need not be there.
    /// - Returns: a warning if the room does not do for all that the rules keep.
    /// - Throws: `FileError` with exit code 74 if it does not do for one checkpoint and the finished model.
    package func verify(at path: String, _ resume: ResumeMode) throws -> String? {
        let space = FreeSpace(near: path)
        guard let free = space.bytes else { return nil }
        let store = CheckpointStore(folder: RunDirectory.checkpointsPath(in: path), keep: 1)
        var existing = try store.steps()
        // A run that starts over removes them first.
        var freed = 0
        if resume == .never {
            freed = Self.bytesOnDisk(
                existing.map { Folder.join(store.folder, CheckpointStore.name(step: $0)) }
                    + [RunDirectory.weightsName, RunDirectory.kerasName].map { Folder.join(path, $0) })
            existing = []
        }
        let least = least(beside: existing.count)
        let room = free.clampedPlus(freed)
        let code = least > room ? ENOSPC : space.refusal(of: max(0, checkpoint - freed))
        if let code {
            throw FileError(
                action: "write checkpoints to", path: path,
                reason: "\(String(cString: strerror(code))): " + figures(least, room, isQuota: code == EDQUOT)
                    + "; nothing was written. Free space there, or choose another run_directory")
        }
        let most = most(beside: existing.count)
        guard most > room else { return nil }
        return
            "run_directory \(path): the \(counted(kept, "checkpoint")) that stay (checkpoints.keep), one more while it is "
            + "written and the finished model take up to \(byteText(most)) more, and \(byteText(room)) are free; lower "
            + "checkpoints.keep or choose another folder"
    }

    private func figures(_ least: Int, _ room: Int, isQuota: Bool) -> String {
        "a checkpoint takes about \(byteText(checkpoint)) and the finished model \(byteText(model)), "
            + (isQuota
                ? "and your quota leaves less than a checkpoint (the file system has \(byteText(room)))"
                : "so \(byteText(least)) are needed, and \(byteText(room)) are free")
    }

    /// What files, and those of folders, take on the disk.
    private static func bytesOnDisk(_ paths: [String]) -> Int {
        paths.reduce(0) { sum, path in
            var status = stat()
            guard lstat(path, &status) == 0 else { return sum }
            let inside = ((try? Folder.names(in: path)) ?? []).map { Folder.join(path, $0) }
            return sum.clampedPlus(Int(status.st_blocks) * 512).clampedPlus(bytesOnDisk(inside))
        }
    }
}
