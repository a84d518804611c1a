import Foundation
import MIOBase
import MIOFiles

/// Values as JSON files of a run's folder.
package enum FolderJSON {
    /// More than any of the files has.
    private static let largestFile = 1 << 26

    /// - Returns: `nil` if there is no such file.
    /// - Throws: `FileError`: unreadable, or not what it should be.
    package static func read<Value: Decodable>(_ type: Value.Type, from path: String) throws(FileError)
        -> Value?
    {
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try OpenFile.contents(of: path, atMost: largestFile)
        } catch {
            if error.exitCode == .missingInput { return nil }
            throw error
        }
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            throw FileError(
                action: "read", path: path,
                reason: reason(error) + "; remove the file, and the run writes it anew",
                exitCode: .badInput)
        }
    }

    /// Replaces the file: a reader sees the old content or the new.
    package static func write(_ value: some Encodable, to path: String) throws(FileError) {
        try AtomicFile.write(text(value, isPretty: true, path: path) + "\n", to: path)
    }

    /// On one line, without the newline, for a terminal too: what it would obey is escaped as JSON does it.
    package static func line(_ value: some Encodable, path: String) throws(FileError) -> String {
        // Outside of texts JSON on one line has no such characters.
        var line = ""
        for scalar in try text(value, isPretty: false, path: path).unicodeScalars {
            if scalar.isControl { line += scalar.jsonEscape } else { line.unicodeScalars.append(scalar) }
        }
        return line
    }

    private static func text(_ value: some Encodable, isPretty: Bool, path: String) throws(FileError)
        -> String
    {
        let encoder = JSONEncoder()
        encoder.outputFormatting =
            isPretty
            ? [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted] : [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        } catch {
            throw FileError(
                action: "write", path: path, reason: "the value has no JSON form: \(error)",
                exitCode: .internalError)
        }
    }

    private static func reason(_ error: any Error) -> String {
        func place(_ context: DecodingError.Context) -> String {
            let path = context.codingPath.map(\.stringValue).joined(separator: ".")
            return path.isEmpty ? "" : " at \(path.shown(most: 100))"
        }
        switch error {
        case DecodingError.keyNotFound(let key, let context):
            return "the key \(quoted: key.stringValue) is missing\(place(context))"
        case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
            return "a value of another type was expected\(place(context))"
        case DecodingError.dataCorrupted(let context) where !context.codingPath.isEmpty:
            return "invalid value\(place(context))"
        default: return "not valid JSON"
        }
    }
}
