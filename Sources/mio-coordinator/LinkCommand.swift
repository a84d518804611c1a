import ArgumentParser
import Foundation
import MIOBase
import MIOConfig
import MIODaemonClient

/// `mio-coordinator link`
struct LinkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "link",
        abstract: "Prints a link that signs a browser in, once, in the next five minutes.")

    @Option(
        help: ArgumentHelp("The daemon's Unix socket (default: \(DaemonPlaces.socket())).", valueName: "path")
    )
    var socket: String?

    @Flag(help: "The browser may look, and change nothing.")
    var readOnly = false

    func run() throws {
        let client = DaemonClient(socket: socket ?? DaemonPlaces.socket())
        let answer = try client.post(
            "/api/v1/links", .dictionary(["role": .string(readOnly ? "read_only" : "full")]))
        guard case .dictionary(let values) = answer, case .string(let url)? = values["url"] else {
            throw RunError("the daemon's answer has no url", exitCode: .internalError)
        }
        print(url)
    }
}
