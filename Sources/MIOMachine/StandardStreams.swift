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
    /// - Throws: `FileError` where it takes nothing: a full disk, a reader that is gone.
    package static func print(_ text: String) throws {
        do {
            try FileHandle.standardOutput.write(
                contentsOf: Data((text.escaped(keepsNewlines: true) + "\n").utf8))
        } catch {
            throw FileError(
                action: "write", path: "to standard output", reason: String(cString: strerror(errno)))
        }
    }
}
