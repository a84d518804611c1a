import MIOBase
import MIOConfig

/// A job file's values after overrides, with where each came from.
struct JobSource {
    private enum Origin {
        case line(Int)
        case override(String)
    }

    let file: String
    private(set) var value: ConfigValue
    private var origins: [String: Origin]

    /// - Throws: `JobError`: not YAML, or an override that fits nowhere.
    init(text: String, file: String, overrides: [String]) throws(JobError) {
        self.file = file
        let document = try YAMLDocument(text, file: file)
        value = document.value == .null ? .dictionary([:]) : document.value
        origins = document.lines.mapValues(Origin.line)
        var earlier: [Override] = []
        for text in overrides {
            let override = try Override(text)
            try override.refuseReplacing(earlier)
            earlier.append(override)
            value = try override.applied(to: value)
            let path = override.path.description
            // What was below it is gone, and its lines with it.
            origins = origins.filter { !$0.key.hasPrefix(path + ".") && !$0.key.hasPrefix(path + "[") }
            origins[path] = .override(override.origin)
            // So are the mappings made on the way to it.
            for ancestor in override.ancestors where origins[ancestor.description] == nil {
                origins[ancestor.description] = .override(override.origin)
            }
        }
    }

    /// Adds to an error where in the file, or on the command line, its path was written: the path itself, or
    /// the nearest above it if the key is missing.
    func locate(_ error: ConfigError) -> JobError {
        var place = Substring(error.path.description)
        while !place.isEmpty {
            switch origins[String(place)] {
            case .line(let line)?:
                return JobError(
                    file: file, line: line, path: error.path, message: error.message, exitCode: error.exitCode
                )
            case .override(let origin)?:
                return JobError(
                    file: origin, path: error.path, message: error.message, exitCode: error.exitCode)
            case nil:
                place = place[..<(place.lastIndex { $0 == "." || $0 == "[" } ?? place.startIndex)]
            }
        }
        return JobError(file: file, path: error.path, message: error.message, exitCode: error.exitCode)
    }
}
