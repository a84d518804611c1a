import Foundation

/// Lines for a person, on standard error.
public enum Message {
    /// Where standard error takes nothing (a full disk, a terminal that is gone), the line is lost, and nothing else is.
    public static func write(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data((text + "\n").utf8))
    }
}
