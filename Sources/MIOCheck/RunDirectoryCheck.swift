import Foundation
import MIOBase
import MIOFiles
import MIOJob
import MIORecords
import MIORun

/// Where a run would write, and what it would continue from. Leaves nothing behind.
package struct RunDirectoryCheck: Sendable, Hashable {
    package let path: String
    /// Bytes that may be written there; `nil` if the system does not say.
    package let freeBytes: Int?
    /// Where training would begin.
    package let start: Start

    package enum Start: Sendable, Hashable {
        /// There is no checkpoint.
        case beginning
        /// As asked for; so many checkpoints would be removed.
        case startingOver(removing: Int)
        case checkpoint(Position)
        /// Findings say why not.
        case refused(path: String)
    }

    package struct Position: Sendable, Hashable {
        package let checkpoint: String
        package let step: Int
        /// Epochs done.
        package let epoch: Int
    }

    /// Where training would go on; `nil` if it would not.
    package var continues: Position? {
        if case .checkpoint(let position) = start { position } else { nil }
    }

    /// - Parameters:
    ///   - fit: what a checkpoint must have; `nil` if the training's data could not be read.
    ///   - order: of the training's samples; `nil` likewise.
    ///   - stepsPerEpoch: `nil` if the training's data could not be read, or the model is too large.
    ///   - fitsMemory: whether the model's weights can be read.
    init(
        _ job: Job, resume: ResumeMode, fit: CheckpointFit?, order: SampleOrder?, stepsPerEpoch: Int?,
        fitsMemory: Bool, into findings: inout Findings
    ) {
        path = job.runDirectory
        var isUsable = true
        do {
            try RunDirectory.verifyUsable(path)
            // As a run does that goes on with its lines.
            let metrics = RunDirectory.metricsPath(in: path)
            if !Folder.isMissing(metrics) { _ = try MappedFile(metrics) }
        } catch {
            findings.add(error)
            isUsable = false
        }
        freeBytes = FreeSpace(near: path).bytes
        if let stepsPerEpoch, isUsable {
            do {
                let need = SpaceNeed(job, stepsPerEpoch: stepsPerEpoch)
                if let warning = try need.verify(at: path, resume) { findings.warn(warning) }
            } catch { findings.add(error) }
        }
        // What is in the way of the checkpoints was told above.
        let checkpoints = RunDirectory.checkpointsPath(in: path)
        start =
            !Folder.isMissing(checkpoints) && !Folder.mayBeFolder(checkpoints)
            ? .refused(path: checkpoints)
            : Self.start(job, resume: resume, fit: fit, order: order, into: &findings)
        switch start {
        case .beginning, .startingOver: if fitsMemory { Self.verifyFirstValues(job, into: &findings) }
        case .checkpoint, .refused: break
        }
    }

    /// Reads the files that the weights start from, as a training does.
    private static func verifyFirstValues(_ job: Job, into findings: inout Findings) {
        do {
            let values = try StartingValues(job)
            try values.verifyFinite()
            for warning in values.warnings { findings.warn(warning) }
        } catch { findings.add(error) }
    }

    private static func start(
        _ job: Job, resume: ResumeMode, fit: CheckpointFit?, order: SampleOrder?,
        into findings: inout Findings
    ) -> Start {
        let store = CheckpointStore(
            folder: RunDirectory.checkpointsPath(in: job.runDirectory), keep: job.retention)
        let model = job.graph.weights.map { StoredWeight(name: $0.name, shape: $0.shape) }
        var place = store.folder
        do {
            try resume.verifyPresent()
            if resume == .never { return .startingOver(removing: try store.steps().count) }
            if case .checkpoint(let path) = resume { place = path }
            guard let found = try StartingPoint.find(resume, in: store, model: model) else {
                return .beginning
            }
            place = found.checkpoint.path
            for warning in found.warnings { findings.warn(warning) }
            let start = try StartingPoint(
                found, store: store, job: job, model: model, fit: fit, order: order)
            for warning in start.warnings { findings.warn(warning) }
            let position = start.state.position
            if let text = job.nothingLeft(start.state) { findings.warn("\(place): \(text)") }
            return .checkpoint(Position(checkpoint: place, step: position.step, epoch: position.epoch))
        } catch {
            findings.add(error)
            return .refused(path: (error as? CheckpointError)?.path ?? place)
        }
    }
}
