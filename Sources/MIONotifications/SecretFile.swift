import Foundation
import MIOBase
import MIOFiles
import MIOJob
import MIOSystem

/// A small file that only its owner may read.
package enum SecretFile {
    private static let largest = 1 << 16
    /// As long as the hash that it is used with would be half: shorter ones can be guessed.
    package static let fewestBytes = 16

    /// The file's text, without white space at its ends.
    /// - Throws: `FileError`: missing, not a plain file, or others have a right to it.
    static func text(_ path: String) throws(FileError) -> String {
        var status = stat()
        guard stat(path, &status) == 0 else { throw .system("read", path, code: errno) }
        let mode = status.st_mode & 0o777
        guard mode & 0o077 == 0 else {
            throw FileError(
                action: "use", path: path,
                reason:
                    "expected a file that only its owner may read, found mode 0\(String(mode, radix: 8)): "
                    + "chmod 600 \(path.shellWord.shown(most: 300))", exitCode: .badInput)
        }
        let bytes = try OpenFile.contents(of: path, atMost: largest)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw FileError(
                action: "use", path: path, reason: "expected text in UTF-8", exitCode: .badInput)
        }
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// What webhooks are signed with: the file's text, or, behind `whsec_`, the bytes that it writes in base 64.
    /// - Throws: `FileError`
    package static func key(_ path: String) throws(FileError) -> [UInt8] {
        let text = try text(path)
        let prefix = "whsec_"
        var key = Array(text.utf8)
        if text.hasPrefix(prefix) {
            guard let data = Data(base64Encoded: String(text.dropFirst(prefix.count))) else {
                throw FileError(
                    action: "use", path: path, reason: "expected base 64 behind \(prefix)",
                    exitCode: .badInput)
            }
            key = [UInt8](data)
        }
        guard key.count >= fewestBytes else {
            throw FileError(
                action: "use", path: path,
                reason:
                    "expected a secret of at least \(fewestBytes) bytes, found \(key.count); make one with: "
                    + "openssl rand -base64 32", exitCode: .badInput)
        }
        return key
    }

    /// The address in a file.
    /// - Throws: `FileError`
    package static func url(_ path: String) throws(FileError) -> String {
        let text = try text(path)
        if let problem = RunNotification.problem(ofURL: text, mayHaveUser: true) {
            throw FileError(action: "use", path: path, reason: problem, exitCode: .badInput)
        }
        return text
    }
}
