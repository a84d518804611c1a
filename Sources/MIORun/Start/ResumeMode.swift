import MIOBase
import MIOFiles

/// What a run continues from.
public enum ResumeMode: Hashable, Sendable, CustomStringConvertible {
    /// The run directory's newest valid checkpoint; from the start if there is none.
    case automatic
    /// From the start; the run directory's checkpoints are removed.
    case never
    /// This checkpoint's folder.
    case checkpoint(path: String)

    /// `auto`, `never`, or a path.
    public init(_ text: String) {
        switch text {
        case "auto": self = .automatic
        case "never": self = .never
        default: self = .checkpoint(path: text)
        }
    }

    /// Looks whether a checkpoint that is asked for is there.
    /// - Throws: `RunError` that names the words which might have been meant.
    package func verifyPresent() throws(RunError) {
        guard case .checkpoint(let path) = self, Folder.isMissing(path) else { return }
        let near = nearestName(to: path, in: ["auto", "never"]).map { "; did you mean \($0)?" } ?? "."
        throw RunError(
            "--resume \(shown: path): no such folder\(near) Expected auto, never, or the path of a checkpoint",
            exitCode: .missingInput)
    }

    /// As an option says it, and what ranks compare.
    public var description: String {
        switch self {
        case .automatic: "auto"
        case .never: "never"
        case .checkpoint(let path): path
        }
    }
}
