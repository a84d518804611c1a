import ArgumentParser
import Foundation
import MIOBase
import MIODaemon
import MIODaemonClient
import MIOMachine

/// `mio-coordinator serve`
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serves the dashboard, the API and metrics.",
        discussion: """
            By default only its own user can reach it, through a Unix socket:

              mio-coordinator serve --runs ~/experiments

            A browser needs TCP, which asks for a token or a one-time link:

              mio-coordinator serve --runs ~/experiments --port 8080
              mio-coordinator link

            On a machine of a Slurm cluster each submitted run is a job of its own:

              mio-coordinator serve --runs ~/experiments --partition long --time 1-0 --sbatch=--account=physics
            """)

    @OptionGroup var options: IndexOptions

    @OptionGroup var scheduler: SchedulerOptions

    @Option(help: ArgumentHelp("The Unix socket (default: \(DaemonPlaces.socket())).", valueName: "path"))
    var socket: String?

    @Option(help: "Listens on TCP too; requests need a token.")
    var port: Int?

    @Option(help: "The address to listen on.")
    var host = "127.0.0.1"

    @Option(
        name: .customLong("public-url"),
        help: ArgumentHelp("What a proxy calls the daemon: https://HOST/PATH.", valueName: "url"))
    var publicURL: String?

    @Flag(name: .customLong("plain-network"), help: "Allows a --host that other machines reach, without TLS.")
    var allowsPlainNetwork = false

    @Option(
        help:
            "Cores for submitted runs without Slurm; a rank takes one (default: those of this machine that the daemon may use)."
    )
    var cores: Int?

    @Option(help: "The program mio, which starts runs (default: beside this program).")
    var mio: String?

    func validate() throws {
        if let cores, cores < 1 { throw ValidationError("--cores \(cores): expected at least 1") }
        if let port, !(1...65_535).contains(port) {
            throw ValidationError("--port \(port): expected 1 to 65535")
        }
    }

    func run() throws {
        let own = Bundle.main.executableURL?.resolvingSymlinksInPath().deletingLastPathComponent().path ?? "."
        var settings = DaemonSettings(
            socket: socket ?? DaemonPlaces.socket(), stateFolder: DaemonPlaces.stateFolder(),
            program: mio ?? own + "/mio", cores: cores ?? MachineCores.current.cores)
        settings.host = host
        settings.port = port
        settings.publicURL = publicURL
        settings.allowsPlainNetwork = allowsPlainNetwork
        let (slurm, because) = try scheduler.settings(cores: cores)
        settings.slurm = slurm
        settings.noSlurmBecause = because
        let index = try options.open(discards: false)
        let daemon = try Daemon(settings, index: index)
        try Waiting.run { try await daemon.run() }
    }
}

/// Runs asynchronous work from a command, which is not.
enum Waiting {
    private final class Box: @unchecked Sendable {
        // Written before the semaphore is signalled, read after it was waited for.
        var result: Result<Void, any Error>?
    }

    static func run(_ body: @escaping @Sendable () async throws -> Void) throws {
        let done = DispatchSemaphore(value: 0)
        let box = Box()
        Task.detached {
            do {
                try await body()
                box.result = .success(())
            } catch {
                box.result = .failure(error)
            }
            done.signal()
        }
        done.wait()
        try box.result?.get()
    }
}
