import ArgumentParser
import Foundation
import MIOBase
import MIOFiles
import MIOJob
import MIOMachine
import MIONotifications
import MIORun
import MIORunFolder

/// `mio notify`
struct NotifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "notify",
        abstract: "Shows whom a run tells of what happens to it; --test sends each of them a test.",
        discussion: """
            The job's key `notifications` names commands, webhooks and mail addresses. `mio train` tells them; ranks that \
            mpirun alone starts tell nobody.

              mio notify job.yaml
              mio notify runs/garments --test

            Ends with 74 if a test could not be sent.
            """)

    @OptionGroup var named: RunArgument

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "Overrides a key of the job, as for mio train. May be repeated.", valueName: "key=value"))
    var overrides: [String] = []

    @Flag(help: "Sends a test in every way that the job names, whatever their `on` says.")
    var test = false

    func run() throws {
        let job = try load()
        guard job.notifications.isEmpty else {
            return test ? try sendTests(job) : try show(job)
        }
        let text = "\(shown: named.run): nobody is told: the job has no notifications"
        if test { throw RunError("\(text); add the key, see docs/runs.md", exitCode: .badInput) }
        try StandardStreams.print(text)
    }

    private func show(_ job: Job) throws {
        var lines: [String] = []
        for (index, notification) in job.notifications.enumerated() {
            lines.append("notifications[\(index)]: \(notification.summary.escaped())")
            if let problem = notification.problem() { lines.append("  would not work: \(problem.escaped())") }
        }
        try StandardStreams.print(lines.joined(separator: "\n"))
    }

    private func sendTests(_ job: Job) throws {
        var run = NotificationMessage.RunName(
            name: job.name, folder: job.runDirectory, mioVersion: mioVersion)
        run.id = ((try? RunFolder(job.runDirectory).ledger()) ?? nil)?.id
        var hasFailed = false
        for (index, notification) in job.notifications.enumerated() {
            let sender = notification.sender()
            var text = "sent"
            if case .failed(let reason, _) = sender.send(.test(run), within: Double(notification.timeout)) {
                hasFailed = true
                text = "not sent: \(reason)"
            }
            try StandardStreams.print(
                "notifications[\(index)]: \(sender.name): \(text)".shownMessage(keepsNewlines: false))
        }
        if hasFailed { throw ExitCode(MIOBase.ExitCode.inputOutput.rawValue) }
    }

    /// The job that a run has written into its folder, or a job file of a run that need not have begun.
    private func load() throws -> Job {
        if named.run.hasSuffix(".yaml") || named.run.hasSuffix(".yml"), !Folder.isFolder(named.run) {
            return try Job.load(path: named.run, overrides: overrides)
        }
        return try Job.load(path: try named.folder().jobPath, overrides: overrides)
    }
}
