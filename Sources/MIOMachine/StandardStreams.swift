import Foundation
import MIOBase

/// Standard input, output and error as a program may find them.
package enum StandardStreams {
    /// Takes the numbers of those that are closed, for files that cannot be written to: the next file opened would get
    /// them, and whatever is printed with it.
    package static func reserve() {
        for descriptor in Int32(0)...2 where fcntl(descriptor, F_GETFD) < 0 {
            // The lowest free number is this one.
            _ = open("/dev/null", O_RDONLY)
        }
    }

    /// Writes a line to standard output, without anything that a terminal would obey.
    /// - Parameters:
    ///   - terminator: what follows the text.
    ///   - clearsScreen: whether a terminal shows this alone, at its top.
    /// - Throws: `FileError` where it takes nothing: a full disk, a reader that is gone.
    package static func print(_ text: String, terminator: String = "\n", clearsScreen: Bool = false) throws {
        let shown = (clearsScreen ? "\u{1B}[H\u{1B}[2J" : "") + text.escaped(keepsNewlines: true) + terminator
        do {
            try FileHandle.standardOutput.write(contentsOf: Data(shown.utf8))
        } catch {
            throw FileError(
                action: "write", path: "to standard output", reason: String(cString: strerror(errno)))
        }
    }
}
