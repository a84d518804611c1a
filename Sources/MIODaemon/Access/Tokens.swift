import Foundation
import MIOBase
import MIOFiles
import MIOSystem

/// Secrets, and how they are compared.
package enum Secret {
    /// 256 random bits in hexadecimal.
    package static func make() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<4).map { _ in
            let digits = String(generator.next() as UInt64, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    /// Compares in a time that does not depend on where the texts differ: the time of an answer tells nothing of the secret.
    package static func isEqual(_ given: some StringProtocol, _ secret: String) -> Bool {
        let given = Array(given.utf8)
        let secret = Array(secret.utf8)
        var difference = given.count ^ secret.count
        for (index, byte) in secret.enumerated() {
            difference |= Int(byte ^ (given.isEmpty ? 0xFF : given[index % given.count]))
        }
        return difference == 0
    }
}

/// The tokens of requests over TCP: one for everything, one that only reads.
package struct Tokens: Sendable {
    private let secrets: [(role: Caller.Role, text: String)]

    init(full: String, readOnly: String) { secrets = [(.full, full), (.readOnly, readOnly)] }

    /// Reads the two files, and makes those that are missing, with mode 0600.
    /// - Throws: `RunError` for a file that others may read, or that is too short to be a secret; `FileError`.
    package init(folder: String) throws {
        self.init(
            full: try Self.read(Folder.join(folder, "token")),
            readOnly: try Self.read(Folder.join(folder, "token-read-only")))
    }

    /// - Returns: `nil` if it is none of them. Both are always compared.
    package func role(of given: some StringProtocol) -> Caller.Role? {
        var found: Caller.Role?
        for (role, text) in secrets where Secret.isEqual(given, text) { found = found ?? role }
        return found
    }

    private static let shortest = 32

    private static func read(_ path: String) throws -> String {
        let created = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        if created >= 0 {
            defer { _ = close(created) }
            let text = Secret.make()
            let bytes = Array((text + "\n").utf8)
            guard write(created, bytes, bytes.count) == bytes.count, fsync(created) == 0 else {
                let code = errno
                unlink(path)
                throw FileError.system("write", path, code: code)
            }
            return text
        }
        guard errno == EEXIST else { throw FileError.system("create", path, code: errno) }
        let opened = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard opened >= 0 else { throw FileError.system("read", path, code: errno) }
        defer { _ = close(opened) }
        var status = stat()
        guard fstat(opened, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw RunError("\(shown: path) is not a plain file: remove it", exitCode: .inputOutput)
        }
        guard status.st_uid == geteuid(), status.st_mode & 0o077 == 0 else {
            throw RunError(
                "others may read the token in \(shown: path), or it is not this user's: remove the file, and a new token is made",
                exitCode: .inputOutput)
        }
        let text = String(
            decoding: try ConfinedFolder.bytes(of: opened, path: path, from: 0, atMost: 4096), as: UTF8.self
        )
        .trimmingCharacters(in: .whitespacesAndNewlines)
        guard text.utf8.count >= shortest, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw RunError(
                "the token in \(shown: path) has fewer than \(shortest) characters, or others than letters, digits and "
                    + "signs: remove the file, and a new token is made", exitCode: .badInput)
        }
        return text
    }
}
