import ArgumentParser
import MIOBase
import MIOFiles
import MIOMachine
import MIORunFolder

/// `mio stop`
struct StopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Asks a run to stop after a checkpoint, from any machine that sees its folder.")

    @OptionGroup var named: RunArgument

    @Flag(help: "Asks for a checkpoint, and lets the run go on.")
    var checkpointOnly = false

    @Flag(help: "Waits until it has stopped.")
    var wait = false

    func run() throws {
        let folder = try named.folder()
        let view = RunView(folder)
        if view.state == .known(.waiting), !checkpointOnly { return try takeOut(folder) }
        guard view.isAtWork else {
            throw RunError(
                "\(folder.path.shown(most: 300)) is not at work (\(view.state.text)); there is nothing to stop",
                exitCode: .missingInput)
        }
        let request = ControlRequest(checkpointOnly ? .checkpoint : .stop)
        try folder.request(request)
        try folder.events.append(
            SupervisionEvent(
                .request, attempt: view.status?.attempt, step: view.status?.step, by: request.by,
                text: request.request.rawValue))
        Message.write(
            checkpointOnly
                ? "asked for a checkpoint" : "asked to stop after a checkpoint; mio wait waits for it")
        if wait, !checkpointOnly { throw ExitCode(try WaitCommand.wait(for: folder, timeout: nil)) }
    }

    /// Takes a run that waits out of the daemon's queue.
    private func takeOut(_ folder: RunFolder) throws {
        guard var submission = try folder.submission(), !submission.requests.isEmpty else {
            throw RunError(
                "\(folder.path.shown(most: 300)) waits, and has no submission.json: nothing says for what",
                exitCode: .missingInput)
        }
        if let batch = submission.batch {
            throw RunError(
                "\(folder.path.shown(most: 300)) is job \(shown: batch.job ?? batch.name) of Slurm, which waits: take it out with "
                    + "`scancel \(batch.job ?? "--name=" + batch.name)`, or on the daemon's page",
                exitCode: .usage)
        }
        let by = ControlRequest(.stop).by
        submission.requests[submission.requests.count - 1].end = Submission.End(
            exitCode: Int(MIOBase.ExitCode.stopped.rawValue), text: "Taken out of the queue by \(by).")
        try FolderJSON.write(submission, to: Folder.join(folder.path, Submission.name))
        try folder.events.append(SupervisionEvent(.request, by: by, text: "stop"))
        Message.write(
            "taken out of the queue; mio submit with another id, or the daemon's page, asks for it again")
    }
}
