import MIOBase
import MIOCallbacks
import MIOConfig
import MIOObjectives

/// What can be found wrong with the name of a number that is watched.
struct MonitorChecks {
    let logNames: [LogName]
    let hasValidation: Bool

    /// What each epoch logs, with the learning rate.
    var available: [String] {
        let names = logNames.map(\.name)
        return names + (hasValidation ? names.map { "val_" + $0 } : []) + ["learning_rate"]
    }

    /// - Parameter place: of the name.
    /// - Throws: `ConfigError`: no epoch logs the number, or nothing tells which way it gets better.
    func check(_ monitor: Monitor, at place: ConfigPath) throws(ConfigError) {
        guard available.contains(monitor.name) else {
            throw ConfigError(path: place, message: absence(of: monitor.name))
        }
        guard monitor.direction(in: logNames.directions) != nil else {
            throw ConfigError(
                path: place,
                message:
                    "mode: auto cannot tell whether \(quoted: monitor.name) is better when it is less or more; "
                    + "write mode: min or mode: max")
        }
    }

    /// Why no epoch logs a number of that name.
    func absence(of name: String) -> String {
        if !hasValidation, name.hasPrefix("val_"), available.contains(String(name.dropFirst(4))) {
            return
                "\(quoted: name) is a number of the validation, and there is no data.validation; add it, or "
                + "monitor \(quoted: name.dropFirst(4))"
        }
        return "no epoch logs this number: " + ConfigReader.unknown(name, valid: available)
    }
}
