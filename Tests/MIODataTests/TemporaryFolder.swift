import MIOBase
import MIOData
import TestFolders
import Testing

extension TemporaryFolder {
    /// Writes a file and returns its path.
    @discardableResult
    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        try write(bytes, to: name)
    }

    @discardableResult
    func write(_ name: String, _ text: String) throws -> String { try write(name, Array(text.utf8)) }

    /// Writes an archive of float arrays.
    @discardableResult
    func writeArrays(_ name: String, _ arrays: KeyValuePairs<String, (Shape, [Float])>) throws -> String {
        let file = path + "/" + name
        try NpzWriter.write(
            arrays.map { ($0.key, Tensor(shape: $0.value.0, values: $0.value.1)) }, to: file)
        return file
    }
}

/// The `DataError` that `body` throws.
func dataError<Result>(
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Result
) -> DataError? {
    #expect(throws: DataError.self, sourceLocation: sourceLocation) { _ = try body() }
}

extension Array where Element == UInt8 {
    /// These bytes with the first occurrence of a text replaced by another of the same length.
    func replacing(_ text: String, with other: String) -> [UInt8] {
        precondition(text.utf8.count == other.utf8.count)
        let pattern = Array(text.utf8)
        var copy = self
        for start in 0...(count - pattern.count) where Array(self[start..<start + pattern.count]) == pattern {
            copy.replaceSubrange(start..<start + pattern.count, with: Array(other.utf8))
            return copy
        }
        preconditionFailure("'\(text)' is not there")
    }
}

/// [[0.5, 1.5], [2.5, 3.5], [4.5, 5.5]]
let imageValues: [Float] = [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
