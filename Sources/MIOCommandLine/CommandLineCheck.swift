import ArgumentParser
import Foundation
import MIOTensor

/// Refuses what a parser of options accepts silently: an option that is given twice, of which it takes the last, and
/// one with an empty value.
public enum CommandLineCheck {
    /// Of all programs: options that may be repeated, that take no value, and other spellings.
    private static let repeatable: Set = ["--set"]
    private static let flags: Set = ["--json", "--dry-run", "--help", "-h", "--version"]
    private static let aliases = ["-n": "--number", "-o": "--output"]

    /// - Parameter arguments: without the program's own name; those after `--` are not looked at.
    /// - Throws: `ValidationError` that names the option and its values.
    public static func verify(_ arguments: some Collection<String>) throws {
        let own = Array(arguments.prefix { $0 != "--" })
        var given: [(option: String, written: String, value: String)] = []
        for (index, argument) in own.enumerated() {
            guard argument.hasPrefix("-"), argument.count > 1, !flags.contains(argument) else {
                if argument.isEmpty, index == 0 || !own[index - 1].hasPrefix("-") {
                    throw ValidationError("an argument is empty")
                }
                continue
            }
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            // `--set` has a message of its own.
            let next = index + 1 < own.count ? own[index + 1] : nil
            guard let value = parts.count > 1 ? String(parts[1]) : next else { continue }
            guard !value.isEmpty || repeatable.contains(name) else {
                throw ValidationError("\(name) has an empty value; give it one, or leave the option out")
            }
            given.append((aliases[name] ?? name, name, value))
        }
        for (option, written, _) in given where !repeatable.contains(option) {
            let values = given.filter { $0.option == option }.map(\.value)
            guard values.count < 2 else {
                throw ValidationError(
                    "\(written) is given \(values.count) times (\(values.joined(separator: ", "))), and only one "
                        + "value can count; keep one")
            }
        }
    }
}

extension ParsableCommand {
    /// Ends the process as `exit(withError:)` does, with the same text and code, but by `endProcess`.
    public static func end(with error: any Error) -> Never {
        let text = fullMessage(for: error)
        let code = exitCode(for: error)
        if code.isSuccess {
            if !text.isEmpty { print(text) }
        } else if !text.isEmpty {
            try? FileHandle.standardError.write(contentsOf: Data((text + "\n").utf8))
        }
        endProcess(code.rawValue)
    }
}
