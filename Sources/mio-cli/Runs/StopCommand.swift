import ArgumentParser
import MIOBase
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
        guard view.isAtWork else {
            throw RunError(
                "\(folder.path) is not at work (\(view.state.text)); there is nothing to stop",
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
}
