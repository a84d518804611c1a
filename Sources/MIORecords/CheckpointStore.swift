import Foundation
import MIOBase
import MIOFiles
import MIOFormats

/// The folder `checkpoints` of a run: `step-000000200/{manifest.json, weights.safetensors,
/// optimizer.safetensors}`.
///
/// A checkpoint is whole and verified, or not there: it is written under a hidden name, put on the disk,
/// renamed. One process writes to a store at a time, which `RunDirectory`'s lock sees to.
package struct CheckpointStore: Sendable {
    package let folder: String
    /// Which checkpoints stay.
    package let keep: CheckpointRetention
    let isAlone: Bool
    private let verifyPlace: @Sendable () throws -> Void
    /// Names that this value wrote or verified: their files are not read again to be counted.
    var verified: Set<String> = []
    /// The numbers that tell the best, by name, of checkpoints that this value wrote or looked at; NaN for none.
    var values: [String: Double] = [:]

    /// Touches nothing on the disk.
    /// - Parameters:
    ///   - isAlone: whether no other process can be writing there: what killed ones left is removed.
    ///   - verifyPlace: called before a checkpoint is written, and if that fails; its error is then the one that is
    ///     thrown.
    package init(
        folder: String, keep: CheckpointRetention, isAlone: Bool = true,
        verifyPlace: @escaping @Sendable () throws -> Void = {}
    ) {
        self.folder = folder
        self.keep = keep
        self.isAlone = isAlone
        self.verifyPlace = verifyPlace
    }

    // MARK: Writing

    /// Writes a checkpoint, then removes those that are no longer kept. One of the same step is replaced.
    ///
    /// - Returns: the checkpoint's folder; it is on the disk.
    /// - Throws: `CheckpointError` for values that are not finite; `FileError` (a full disk, for one) or `FormatError`; all
    ///   older checkpoints are then as they were, and nothing of the new one is left, unless it was
    ///   written and only what comes after failed.
    @discardableResult
    package mutating func write(_ checkpoint: Checkpoint) throws -> String {
        try verifyPlace()
        try verifyFinite(checkpoint)
        do {
            return try writeFinite(checkpoint)
        } catch {
            try verifyPlace()
            guard error is FileError, Folder.isMissing(folder) else { throw error }
            throw FileError(
                action: "write the checkpoint of step \(checkpoint.manifest.step) to", path: folder,
                reason:
                    "the folder was removed or moved while the run was at work; what was in it is not saved. Leave it where "
                    + "it is, and run again")
        }
    }

    private mutating func writeFinite(_ checkpoint: Checkpoint) throws -> String {
        try Folder.create(folder)
        if isAlone { try AtomicFolder.recover(in: folder) }
        let name = Self.name(step: checkpoint.manifest.step)
        let path = Folder.join(folder, name)
        forget(name)
        try Self.write(checkpoint, to: path)
        verified.insert(name)
        values[name] = keep.value(checkpoint.manifest.logs)
        try retire(sparing: name)
        return path
    }

    /// Refuses values that are NaN or infinite: no run could continue from them, and they would push out a good checkpoint.
    private func verifyFinite(_ checkpoint: Checkpoint) throws {
        for (what, tensors) in [
            ("the weights", checkpoint.weights), ("the optimizer's state", checkpoint.optimizer),
            ("the best epoch's weights", checkpoint.best),
        ] {
            guard let bad = tensors.first(where: { FiniteValues.firstNonFinite($0.values) != nil }) else {
                continue
            }
            let newest = try steps().first.map { "; the newest checkpoint is that of step \($0)" } ?? ""
            throw CheckpointError(
                .diverged, path: Folder.join(folder, Self.name(step: checkpoint.manifest.step)),
                message:
                    "not written: after step \(checkpoint.manifest.step) \(what) \(quoted: bad.name) are NaN or "
                    + "infinite, the training has diverged\(newest). Lower the learning rate or clip the gradient, and "
                    + "run again")
        }
    }

    private static func write(_ checkpoint: Checkpoint, to path: String) throws {
        let target = try AtomicFolder(creating: path)
        let inside = target.temporaryPath
        var manifest = checkpoint.manifest
        let metadata = ["format": "mio", "step": "\(manifest.step)"]
        var files = [
            (StoredCheckpoint.weightsName, checkpoint.weights),
            (StoredCheckpoint.optimizerName, checkpoint.optimizer),
        ]
        if !checkpoint.best.isEmpty { files.append((StoredCheckpoint.bestName, checkpoint.best)) }
        for (name, tensors) in files {
            let digest = try SafetensorsWriter.write(
                tensors, metadata: metadata, to: Folder.join(inside, name))
            manifest.files.append(.init(name: name, digest: digest))
        }
        let file = try AtomicFile(replacing: Folder.join(inside, StoredCheckpoint.manifestName))
        try file.write(manifest.json)
        try file.commit()
        try target.commit()
    }

    mutating func forget(_ name: String) {
        verified.remove(name)
        values[name] = nil
    }

    /// Writes a checkpoint of another run, then removes all others: a kill in between leaves the run as it was.
    /// - Throws: as `write`.
    package mutating func replaceAll(by checkpoint: Checkpoint) throws {
        let written = try write(checkpoint)
        for name in try names() where name != Folder.name(of: written) {
            try AtomicFolder.remove(Folder.join(folder, name))
            forget(name)
        }
    }

    /// Removes the checkpoints of later steps: for a run that starts over (`step` −1) or continues from an
    /// older checkpoint, so that the newest one is always of the run itself.
    package mutating func remove(after step: Int) throws {
        guard !Folder.isMissing(folder) else { return }
        // What a replacement that was interrupted has left under a hidden name would come back later.
        if isAlone { try AtomicFolder.recover(in: folder) }
        for name in try names() where Self.step(name: name) ?? 0 > step {
            try AtomicFolder.remove(Folder.join(folder, name))
            forget(name)
        }
    }

    // MARK: Reading

    /// What a run continues from.
    package struct Found: Sendable {
        package let checkpoint: StoredCheckpoint
        /// One sentence for each newer checkpoint that was passed over: which, and why.
        package let warnings: [String]

        package init(checkpoint: StoredCheckpoint, warnings: [String]) {
            self.checkpoint = checkpoint
            self.warnings = warnings
        }
    }

    /// The newest checkpoint that is whole, from newest to oldest. Changes nothing on the disk.
    ///
    /// - Parameter model: the variables of the model that wants to continue; `nil` to take any.
    /// - Returns: `nil` only if there is no checkpoint at all.
    /// - Throws: `CheckpointError` if there are checkpoints and none can be used, or if the newest whole one
    ///   is of another model: a training never starts from nothing because of it. Also if there is one of a newer
    ///   format before it: a run that went on from an older one would remove it. `FileError` if the folder cannot be
    ///   read.
    package func newestValid(for model: [StoredWeight]? = nil) throws -> Found? {
        guard !Folder.isMissing(folder) else { return nil }
        var listed: [(step: Int, name: String)]
        var rejected: [CheckpointError]
        repeat {
            listed = try candidates()
            rejected = []
            for candidate in listed {
                do {
                    let checkpoint = try load(candidate)
                    if let model { try checkpoint.verifyMatches(model: model) }
                    let path = checkpoint.path
                    return Found(
                        checkpoint: checkpoint,
                        warnings: rejected.map { "passed over \($0), and took \(path)" })
                } catch let error as CheckpointError where error.kind == .damaged {
                    rejected.append(error)
                }
            }
            // A run at work may have retired all that were listed, for newer ones.
        } while try candidates().map(\.name) != listed.map(\.name)
        guard let newest = rejected.first else { return nil }
        let reasons = rejected.map { "\n  \($0)" }.joined()
        throw CheckpointError(
            .noneUsable, path: folder,
            message:
                "\(rejected.count == 1 ? "the only checkpoint cannot be" : "none of the \(rejected.count) checkpoints can be") continued from (newest "
                + "\(Folder.name(of: newest.path))); start over with --resume never:\(reasons)")
    }

    private func load(_ candidate: (step: Int, name: String)) throws -> StoredCheckpoint {
        let path = Folder.join(folder, candidate.name)
        let checkpoint: StoredCheckpoint
        do {
            checkpoint = try StoredCheckpoint(path: path)
        } catch let error as FileError where error.exitCode != .inputOutput {
            // It may have been retired since the folder was listed.
            throw CheckpointError(.damaged, path: path, message: error.description)
        }
        guard checkpoint.manifest.step == candidate.step else {
            throw CheckpointError(
                .damaged, path: path,
                message: "expected step \(candidate.step), as the folder's name says, received step "
                    + "\(checkpoint.manifest.step)")
        }
        return checkpoint
    }

    /// What may be continued from, newest first. A checkpoint whose replacement was interrupted by a kill
    /// counts under its hidden name: reading changes nothing, so that it disturbs no run at work.
    private func candidates() throws -> [(step: Int, name: String)] {
        var candidates: [(step: Int, name: String)] = []
        let visible = try names()
        for name in visible { candidates.append((Self.step(name: name) ?? 0, name)) }
        for (hidden, original) in try AtomicFolder.replaced(in: folder) where !visible.contains(original) {
            if let step = Self.step(name: original) { candidates.append((step, hidden)) }
        }
        return candidates.sorted { $0.step > $1.step }
    }

    /// Whether the checkpoint lies in this folder, by whatever path.
    package func holds(_ checkpoint: StoredCheckpoint) -> Bool {
        func resolved(_ path: String) -> String { URL(fileURLWithPath: path).resolvingSymlinksInPath().path }
        return Folder.parent(of: resolved(checkpoint.path)) == resolved(folder)
    }

    /// The steps of the checkpoints there are, newest first, valid or not.
    package func steps() throws -> [Int] {
        Folder.isMissing(folder) ? [] : try names().compactMap(Self.step)
    }

    // MARK: Names

    /// Newest first.
    func names() throws -> [String] {
        try Folder.names(in: folder).filter {
            Self.step(name: $0) != nil && Folder.mayBeFolder(Folder.join(folder, $0))
        }.sorted {
            (Self.step(name: $0) ?? 0) > (Self.step(name: $1) ?? 0)
        }
    }

    package static func name(step: Int) -> String {
        let digits = String(step)
        return "step-" + String(repeating: "0", count: max(0, 9 - digits.count)) + digits
    }

    static func step(name: String) -> Int? {
        guard name.hasPrefix("step-"), let step = Int(name.dropFirst(5)), self.name(step: step) == name
        else { return nil }
        return step
    }
}
