import Foundation
import MIOBase
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
/// What another version's measurements mean may differ: each format has machines of its own, and leaves the others'
/// alone.
///
///     {"format 3, 6 207 Intel(R) Xeon(R) Processor …, oneDNN 2.6.3": {
///         "conv (254, 254, 32) …, forward": "winograd", "images in segment 6b1f… of conv2": "channels-last",
///         "products of 64 rows …, forward": "bfloat16", "threads: 2 for 64 samples …": "2 lanes of 1 thread"}}
package struct TuningCache {
    package let path: String

    /// - Returns: `nil` where the environment names no folder.
    package init?(environment: [String: String] = ProcessInfo.processInfo.environment) {
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
    package init(folder: String) { path = Folder.join(folder, "tuning.json") }

    private static let largestFile = 64 << 20

    private func contents() -> ConfigDictionary { (try? read()) ?? [:] }

    /// - Throws: `FileError`, `ConfigError`: not there, no plain file, or not what this version writes.
    private func read() throws -> ConfigDictionary {
        let bytes = try OpenFile.contents(of: path, atMost: Self.largestFile)
        guard case .dictionary(let machines) = try ConfigValue(json: Data(bytes)) else {
            throw ConfigError(path: ConfigPath(), message: "expected an object of machines")
        }
        return machines
    }

    private static func section(_ machine: String) -> String { "format 3, \(machine)" }

    /// A sentence if there is a file that cannot be read: a run that continues then measures again.
    package var warning: String? {
        guard !Folder.isMissing(path) else { return nil }
        do {
            _ = try read()
            return nil
        } catch {
            return
                "\(path): cannot be read (\("\(error)".shown())); the fastest ways to compute are measured again, and "
                + "sums may round differently than before"
        }
    }

    private func entries(of machine: String) -> [String: String] {
        guard case .dictionary(let entries)? = contents()[Self.section(machine)] else { return [:] }
        var texts: [String: String] = [:]
        for (key, value) in entries.entries {
            if case .string(let text) = value { texts[key] = text }
        }
        return texts
    }

    package func tuning(of machine: String) -> Tuning { Tuning(entries: entries(of: machine)) }

    /// The lanes that were found best under a key; `nil` if none were.
    package func lanes(for key: String, of machine: String) -> Lanes? {
        entries(of: machine)[key].flatMap { Lanes(description: $0) }
    }

    /// Adds to what is there.
    package func add(_ tuning: Tuning, of machine: String) { add(tuning.entries, of: machine) }

    /// Adds to what is there.
    package func add(_ lanes: Lanes, for key: String, of machine: String) {
        add([key: lanes.description], of: machine)
    }

    private func add(_ added: [String: String], of machine: String) {
        var machines = contents()
        var entries = ConfigDictionary()
        if case .dictionary(let known)? = machines[Self.section(machine)] { entries = known }
        for (key, text) in added.sorted(by: { $0.key < $1.key }) { entries[key] = .string(text) }
        machines[Self.section(machine)] = .dictionary(entries)
        let text = ConfigValue.dictionary(machines).json(indentation: 2) + "\n"
        let folder = Folder.parent(of: path)
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try? AtomicFile.write(text, to: path)
    }
}
