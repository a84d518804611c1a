import MIOBase

/// A file of Keras that cannot be used: the file, and everything that is wrong with it.
package struct KerasFileError: MIOError, Hashable {
    /// Something of the file that is wrong or that mio lacks.
    package struct Problem: Hashable, Sendable {
        /// Where in the file: `layer "conv1" (Conv2D)`, `layers/dense/vars/0`; empty for the file as a whole.
        package let place: String
        /// What was expected and received, and what to do.
        package let message: String

        package init(_ place: String, _ message: String) {
            self.place = place
            self.message = message
        }

        var text: String { place.isEmpty ? message : "\(place): \(message)" }
    }

    /// The file as it was named.
    package let file: String
    /// At least one.
    package let problems: [Problem]
    package let exitCode: ExitCode

    package init(_ file: String, problems: [Problem], exitCode: ExitCode = .badInput) {
        precondition(!problems.isEmpty, "an error without a problem")
        self.file = file
        self.problems = problems
        self.exitCode = exitCode
    }

    package init(_ file: String, _ message: String, exitCode: ExitCode = .badInput) {
        self.init(file, problems: [Problem("", message)], exitCode: exitCode)
    }

    package init(_ file: String, _ place: String, _ message: String, exitCode: ExitCode = .badInput) {
        self.init(file, problems: [Problem(place, message)], exitCode: exitCode)
    }

    /// What follows the file's name in messages.
    package var message: String {
        if problems.count == 1 { return problems[0].text }
        let most = 60
        let shown = problems.prefix(most).map { "\n  \($0.text)" }.joined()
        let rest = problems.count > most ? "\n  and \(problems.count - most) more" : ""
        return "\(problems.count) things keep mio from this file as it is:" + shown + rest
    }

    package var description: String { "\(file.shown(most: 300)): \(message)" }
}
