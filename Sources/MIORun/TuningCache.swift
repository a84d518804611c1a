import Foundation
import MIOConfig
import MIOFiles
import MIOKernels

/// What was measured on this machine before, in a file: `tuning.json` in `$MIO_CACHE`, else in
/// `$XDG_CACHE_HOME/mio`, else in `~/.cache/mio`. There it only saves time: a file that is missing, damaged or not
/// writable is no error, then it is measured again.
///
/// A training keeps what it used in its run directory too, and goes by that when it continues: where two ways are about
/// as fast, another measurement could pick the other one, whose sums round otherwise.
///
///     {"6 207 Intel(R) Xeon(R) Processor …, oneDNN 2.6.3": {"conv (254, 254, 32) …, forward": "winograd"}}
public struct TuningCache {
    public let path: String

    /// - Returns: `nil` where the environment names no folder.
    public init?(environment: [String: String] = ProcessInfo.processInfo.environment) {
        func folder(_ variable: String) -> String? {
            environment[variable].flatMap { $0.isEmpty ? nil : $0 }
        }
        guard
            let folder = folder("MIO_CACHE")
                ?? folder("XDG_CACHE_HOME").map({ Folder.join($0, "mio") })
                ?? folder("HOME").map({ Folder.join(Folder.join($0, ".cache"), "mio") })
        else { return nil }
        path = Folder.join(folder, "tuning.json")
    }

    /// - Parameter folder: of a run.
    public init(folder: String) { path = Folder.join(folder, "tuning.json") }

    private func contents() -> ConfigDictionary {
        guard let data = FileManager.default.contents(atPath: path),
            case .dictionary(let machines)? = try? ConfigValue(json: data)
        else { return [:] }
        return machines
    }

    public func tuning(of machine: String) -> Tuning {
        guard case .dictionary(let entries)? = contents()[machine] else { return Tuning() }
        var picks: [String: ConvolutionCandidate] = [:]
        for (key, value) in entries.entries {
            if case .string(let name) = value { picks[key] = ConvolutionCandidate(rawValue: name) }
        }
        return Tuning(picks: picks)
    }

    /// Adds to what is there.
    public func add(_ tuning: Tuning, of machine: String) {
        var machines = contents()
        var entries = ConfigDictionary()
        if case .dictionary(let known)? = machines[machine] { entries = known }
        for (key, pick) in tuning.picks.sorted(by: { $0.key < $1.key }) {
            entries[key] = .string(pick.rawValue)
        }
        machines[machine] = .dictionary(entries)
        let text = ConfigValue.dictionary(machines).json(indentation: 2) + "\n"
        let folder = Folder.parent(of: path)
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try? AtomicFile.write(text, to: path)
    }
}
