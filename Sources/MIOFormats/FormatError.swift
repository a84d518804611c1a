import MIOBase

/// A file that is not what its name or its reader says: the file, the tensor or part of it, what was
/// expected and what was received.
package struct FormatError: MIOError, Hashable {
    package let file: String
    /// The tensor concerned; `nil` if the file as a whole is.
    package let tensor: String?
    package let expected: String
    package let received: String
    /// What to do about it; `nil` if the message says it already.
    package let advice: String?

    package init(
        file: String, tensor: String? = nil, expected: String, received: String, advice: String? = nil
    ) {
        self.file = file
        self.tensor = tensor
        self.expected = expected
        self.received = received
        self.advice = advice
    }

    package var exitCode: ExitCode { .badInput }

    package var description: String {
        let place = tensor.map { "\(file.shown(most: 300)): tensor \(quoted: $0)" } ?? file.shown(most: 300)
        let end = advice.map { "; \($0)" } ?? ""
        return "\(place): expected \(expected), received \(received)\(end)"
    }
}
