import MIOBase
import MIOFiles
import MIORecords

/// The `job.yaml` that a run has written into its folder.
package enum RunRecord {
    private static let largestSize = 1 << 28

    /// - Parameter folder: the run's.
    /// - Throws: `FileError` if it is not there, not a plain file, empty, or no text.
    package static func text(of folder: String) throws(FileError) -> String {
        let path = RunDirectory.jobPath(in: folder)
        let bytes = try OpenFile.contents(of: path, atMost: largestSize)
        guard !bytes.isEmpty else {
            throw FileError(action: "read", path: path, reason: "the file is empty", exitCode: .badInput)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw FileError(action: "read", path: path, reason: "is not UTF-8 text", exitCode: .badInput)
        }
        return text
    }
}
