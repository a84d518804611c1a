import Foundation
import MIOBase

/// Lines for a person, on standard error, without anything that a terminal would obey.
package enum Message {
    /// Where standard error takes nothing (a full disk, a terminal that is gone), the line is lost, and nothing else is.
    package static func write(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data((text.shownMessage() + "\n").utf8))
    }
}
