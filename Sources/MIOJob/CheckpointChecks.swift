import MIOBase
import MIOConfig
import MIOObjectives

/// What can be found wrong with the rules about checkpoints: for jobs that are built in Swift too.
struct CheckpointChecks {
    let checkpoints: CheckpointOptions
    let logNames: [LogName]
    let hasValidation: Bool

    private var path: ConfigPath { ConfigPath("checkpoints") }

    /// - Throws: `ConfigError` for the first thing that is wrong.
    func run() throws(ConfigError) {
        let keep = checkpoints.keep
        let place = path.appending("keep")
        let numbers: [(path: ConfigPath, value: Int, atLeast: Int)] = [
            (path.appending("every_steps"), checkpoints.everySteps, 0),
            (path.appending("every_epochs"), checkpoints.everyEpochs, 0), (place, keep.last, 1),
            (place.appending("best"), keep.best, 0), (place.appending("every_steps"), keep.everySteps, 0),
        ]
        for (path, value, minimum) in numbers where value < minimum {
            throw ConfigError(
                path: path, message: "expected an integer of at least \(minimum), found \(value)")
        }
        if case .seconds(let seconds)? = checkpoints.every, seconds < 1 {
            throw ConfigError(
                path: path.appending("every"),
                message: "expected a time of at least a second, found \(seconds) s")
        }
        guard keep.best > 0 else { return }
        try MonitorChecks(logNames: logNames, hasValidation: hasValidation)
            .check(keep.watched, at: place.appending("monitor"))
        guard checkpoints.everyEpochs > 0 else {
            throw ConfigError(
                path: place.appending("best"),
                message:
                    "only a checkpoint at the end of an epoch has the number \(quoted: keep.watched.name), and "
                    + "checkpoints.every_epochs: 0 writes none there; set every_epochs: 1, or leave best out")
        }
    }
}
