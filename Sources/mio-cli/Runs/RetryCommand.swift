import ArgumentParser
import Foundation
import MIOBase
import MIOFiles
import MIOMachine
import MIORunFolder
import MIOSystem

/// `mio retry`
struct RetryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Runs the command of a run's newest attempt again, where it was run.")

    @OptionGroup var named: RunArgument

    @Flag(help: "Shows the command and runs nothing.")
    var dryRun = false

    func run() throws {
        let view = RunView(try named.folder())
        if view.state == .known(.waiting) {
            throw RunError(
                "\(view.folder.path.shown(most: 300)) waits in the queue: it begins by itself, or mio stop takes it out",
                exitCode: .usage)
        }
        guard let ledger = view.ledger, let program = ledger.command.first else {
            // What cannot be read is no reason to call it missing.
            let problem = view.problems.first ?? "\(view.folder.path.shown(most: 300)) has no record.json"
            throw RunError(
                problem
                    + (view.submission == nil
                        ? ": run its job again" : ": it never began; ask for it again on the daemon's page"),
                exitCode: .missingInput)
        }
        if view.isAtWork {
            let path = view.folder.path.shown(most: 300)
            throw RunError(
                view.state == .known(.stopping)
                    ? "\(path): the run is stopping; wait until it has ended, as mio wait does"
                    : "\(path) is at work (\(view.state.text))", exitCode: .usage)
        }
        let command = Self.continuing(ledger.command)
        Message.write(
            "$ cd \(ledger.workingDirectory.shellWord) && \(command.map(\.shellWord).joined(separator: " "))"
                .escaped())
        if dryRun { return }
        guard chdir(ledger.workingDirectory) == 0 else {
            throw FileError.system("open", ledger.workingDirectory, code: errno)
        }
        // `mio` of a command is this program, wherever it was then.
        let own = Bundle.main.executableURL?.path
        let path = Folder.name(of: program) == "mio" ? own ?? program : program
        var arguments = ([path] + command.dropFirst()).map { strdup($0) } + [nil]
        defer { for pointer in arguments { free(pointer) } }
        execvp(path, &arguments)
        throw FileError.system("start", path, code: errno)
    }

    /// Without what was said about where to begin: a run that has begun continues.
    static func continuing(_ command: [String]) -> [String] {
        var result: [String] = []
        var index = 0
        while index < command.count {
            if command[index] == "--resume" { index += 2; continue }
            if !command[index].hasPrefix("--resume=") { result.append(command[index]) }
            index += 1
        }
        return result
    }
}
