import MIOBase
import MIOData
import MIOFiles
import MIOJob

/// Finds files that a job's data has several times: in two of its parts, or under two names in one.
///
/// The system says which file a name leads to, links followed. Copies are other files.
package enum SharedFiles {
    /// Warnings for the user, with the same words from `mio check` and a training. Files that cannot be listed are told of
    /// elsewhere.
    package static func warnings(_ job: Job) -> [String] {
        var warnings: [String] = []
        var earlier: [(key: String, files: [FileIdentity: String])] = []
        for (key, source) in job.data.parts {
            let paths = (try? source.datasetRequest(of: job, key: key).paths()) ?? []
            var own: [FileIdentity: String] = [:]
            var repeated: [(path: String, other: String)] = []
            for path in paths {
                guard let identity = FileIdentity(of: path) else { continue }
                if let other = own[identity] {
                    if other != path { repeated.append((path, other)) }
                } else {
                    own[identity] = path
                }
            }
            if let first = repeated.first {
                warnings.append(
                    "data.\(key): \(first.path) is the same file as \(first.other)\(others(repeated.count)); its samples "
                        + "are read twice")
            }
            for (otherKey, files) in earlier {
                let shared = paths.compactMap { path in
                    FileIdentity(of: path).flatMap { files[$0] }.map { (path: path, other: $0) }
                }
                guard let first = shared.first else { continue }
                let name = first.path == first.other ? "" : ", there named \(first.other)"
                warnings.append(
                    "data.\(key): \(first.path) is also a file of data.\(otherKey)\(name)\(others(shared.count))"
                        + (otherKey == "train"
                            ? ": losses and metrics of data.\(key) are of samples that the model learns from"
                            : ""))
            }
            earlier.append((key, own))
        }
        return warnings
    }

    private static func others(_ count: Int) -> String {
        count == 1 ? "" : ", and so \(count == 2 ? "is 1 other" : "are \(count - 1) others")"
    }
}
