import ArgumentParser
import Foundation
import MIOBase
import MIOMachine

/// Refuses options that are given several times or have an empty value. The parser accepts both without a word, and takes
/// the last value.
package enum CommandLineCheck {
    private struct Option {
        let preferredName: String
        let takesValue: Bool
        let isRepeating: Bool
    }

    /// - Parameters:
    ///   - arguments: without the program's own name; those after `--` are not looked at.
    ///   - command: the program's root command, which says what its options are.
    /// - Throws: `ValidationError` that names the option and its values.
    package static func verify(_ arguments: some Collection<String>, of command: any ParsableCommand.Type)
        throws
    {
        let own = Array(arguments.prefix { $0 != "--" })
        guard needsLook(own) else { return }
        let options = self.options(of: command)
        var values: [String: [String]] = [:]
        var next = 0
        while next < own.count {
            let argument = own[next]
            next += 1
            guard !argument.isEmpty else { throw ValidationError("an argument is empty") }
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard argument.hasPrefix("-"), let option = options[String(parts[0])], option.takesValue else {
                continue
            }
            var value = parts.count > 1 ? String(parts[1]) : nil
            if value == nil, next < own.count {
                value = own[next]
                next += 1
            }
            guard let value else { continue }
            guard !value.isEmpty else {
                throw ValidationError("\(parts[0]) has an empty value; give it one, or leave the option out")
            }
            if !option.isRepeating { values[option.preferredName, default: []].append(value) }
        }
        guard let (name, several) = values.filter({ $1.count > 1 }).min(by: { $0.key < $1.key }) else {
            return
        }
        throw ValidationError(
            "\(name) is given \(several.count) times (\(several.joined(separator: ", "))), but only one value is "
                + "used; keep one")
    }

    /// Whether something is there twice or empty, maybe under another spelling. Asking a command for its options takes a
    /// millisecond, which most starts save.
    private static func needsLook(_ arguments: [String]) -> Bool {
        let names = arguments.filter { $0.hasPrefix("-") }.map { $0.prefix { $0 != "=" } }
        return Set(names).count < names.count || names.contains { !$0.hasPrefix("--") }
            || arguments.contains { $0.isEmpty || $0.hasSuffix("=") }
    }

    /// By each spelling: of the command and all its subcommands, in which an option means the same everywhere.
    private static func options(of command: any ParsableCommand.Type) -> [String: Option] {
        var options: [String: Option] = [:]
        func add(_ command: Any?) {
            guard let command = command as? [String: Any] else { return }
            for argument in command["arguments"] as? [[String: Any]] ?? [] {
                let names = (argument["names"] as? [[String: Any]] ?? []).compactMap { name in
                    (name["name"] as? String).map { (name["kind"] as? String == "long" ? "--" : "-") + $0 }
                }
                for name in names {
                    options[name] = Option(
                        preferredName: names[0], takesValue: argument["kind"] as? String == "option",
                        isRepeating: argument["isRepeating"] as? Bool ?? false)
                }
            }
            for subcommand in command["subcommands"] as? [Any] ?? [] { add(subcommand) }
        }
        let description = try? JSONSerialization.jsonObject(with: Data(command._dumpHelp().utf8))
        add((description as? [String: Any])?["command"])
        return options
    }
}

extension ParsableCommand {
    /// Runs the command as `main()` does, after `CommandLineCheck`, and ends the process.
    /// - Precondition: the command is no `AsyncParsableCommand`; those await their own `checkedMain`.
    package static func checkedMain() -> Never {
        precondition(
            !(Self.self is any AsyncParsableCommand.Type),
            "\(Self.self) runs asynchronously: await checkedMain()")
        do {
            try CommandLineCheck.verify(CommandLine.arguments.dropFirst(), of: Self.self)
            var command = try parseAsRoot()
            try command.run()
            endProcess(0)
        } catch {
            end(with: error)
        }
    }

    /// Ends the process by `endProcess`: with mio's own errors in one line and their code, with others as
    /// `exit(withError:)` does. Texts of others among them are escaped.
    package static func end(with error: any Error) -> Never {
        if let error = error as? any MIOError {
            Message.write("\(_commandName): \(error)")
            endProcess(error.exitCode.rawValue)
        }
        let text = fullMessage(for: error)
        let code = exitCode(for: error)
        if code.isSuccess {
            if !text.isEmpty { print(text) }
        } else if !text.isEmpty {
            Message.write(text)
        }
        endProcess(code.rawValue)
    }
}

extension AsyncParsableCommand {
    /// Runs the command as its `main()` does, after `CommandLineCheck`, and ends the process. The other `checkedMain`
    /// would print the help in place of running it.
    package static func checkedMain() async -> Never {
        do {
            try CommandLineCheck.verify(CommandLine.arguments.dropFirst(), of: Self.self)
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            endProcess(0)
        } catch {
            end(with: error)
        }
    }
}
