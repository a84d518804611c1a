import Foundation

/// Lines for a person, on standard error.
public enum Message {
    public static func write(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }
}
