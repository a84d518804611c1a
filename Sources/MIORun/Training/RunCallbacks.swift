import MIOBase
import MIOCallbacks
import MIOFiles
import MIOFormats
import MIOMachine
import MIORecords

/// Asks a run's callbacks, in their order, and does what they want. All ranks ask; rank 0 alone writes.
struct RunCallbacks {
    unowned let run: TrainingRun

    /// Before the first step of an epoch.
    /// - Throws: one error, the same on all ranks.
    func beginEpoch() throws {
        for (index, callback) in run.job.callbacks.enumerated() {
            let actions = callback.epochBegins(
                run.state.position.epoch, learningRate: run.optimizer.learningRate,
                state: &run.state.callbacks.entries[index].state)
            try perform(actions, of: callback)
        }
    }

    /// After an epoch and its validation, while the weights are those of its last step.
    /// - Throws: one error, the same on all ranks: `AgreedError` for a file that cannot be written.
    func endEpoch(_ epoch: History.Epoch) throws {
        guard !run.job.callbacks.isEmpty else { return }
        var values = Dictionary(zip(epoch.names, epoch.values)) { first, _ in first }
        let directions = run.job.logNames.directions
        for (index, callback) in run.job.callbacks.enumerated() {
            // A callback before may have changed it.
            values["learning_rate"] = run.optimizer.learningRate
            let logs = EpochLogs(
                epoch: run.state.position.epoch, values: values, directions: directions)
            let actions = callback.epochEnds(logs, state: &run.state.callbacks.entries[index].state)
            try perform(actions, of: callback)
        }
    }

    private func perform(_ actions: [CallbackAction], of callback: any Callback) throws {
        let name = type(of: callback).className
        for action in actions {
            switch action {
            case .setLearningRate(let value, let reason):
                tell(
                    "\(name): learning rate \(shortText(run.optimizer.learningRate)) → \(shortText(value)): \(reason)"
                )
                run.optimizer.setLearningRate = value
                run.state.callbacks.learningRate = value
            case .keepBestWeights:
                guard run.communicator.rank == 0 else { continue }
                run.recorder?.waitForCheckpoint()
                run.snapshot.keepBest()
            case .save(let path, let reason): try save(path, name: name, reason: reason)
            case .stop(let reason):
                tell("\(name): \(reason); the training ends after epoch \(run.state.position.epoch + 1)")
                run.recorder?.happened("early_stopping", run.state.position)
                run.state.callbacks.hasEnded = true
            }
        }
    }

    private func save(_ path: String, name: String, reason: String) throws {
        try run.communicator.agree(on: "\(name)'s file", .ofOneRank) {
            guard run.communicator.rank == 0 else { return }
            run.recorder?.waitForCheckpoint()
            let file = run.recorder?.directory.path(of: path) ?? path
            try Folder.create(Folder.parent(of: file))
            switch ModelFileFormat(of: path) {
            case .keras: try run.writeKeras(to: file)
            case .weights: try run.writeKeras(to: file, weightsOnly: true)
            case .safetensors, nil:
                try SafetensorsWriter.write(
                    run.snapshot.takeCurrentWeights(),
                    metadata: ["format": "mio", "step": "\(run.state.position.step)"], to: file)
            }
            Message.write("\(name): \(reason): wrote \(file)")
        }
    }

    private func tell(_ text: String) {
        if run.communicator.rank == 0 { Message.write(text) }
    }
}
