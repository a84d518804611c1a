import Foundation
import Hummingbird
import HummingbirdCore
import Logging
import MIOBase
import MIODaemonClient
import MIOFiles
import MIORunIndex
import MIOSystem
import NIOCore
import ServiceLifecycle

/// What a daemon is started with.
package struct DaemonSettings: Sendable {
    /// Of the Unix socket.
    package var socket: String
    /// Where TCP is asked for.
    package var host = "127.0.0.1"
    package var port: Int?
    /// What a proxy calls the daemon.
    package var publicURL: String?
    /// Lets the daemon listen on other addresses than loopback without TLS.
    package var allowsPlainNetwork = false
    /// Holds the tokens.
    package var stateFolder: String
    /// The program `mio`, which starts runs.
    package var program: String
    /// Cores for submitted runs, where Slurm does not start them.
    package var cores: Int
    /// `nil`: runs start on this machine.
    package var slurm: SlurmSettings?
    /// Why there is none, where it was looked for.
    package var noSlurmBecause: String?
    /// Seconds that a request's header and its body may take.
    package var requestSeconds = (header: 30, body: 20)

    package init(socket: String, stateFolder: String, program: String, cores: Int) {
        self.socket = socket
        self.stateFolder = stateFolder
        self.program = program
        self.cores = cores
    }
}

/// The daemon: an index that is kept up to date, and two entrances to it.
package struct Daemon: Sendable {
    private let settings: DaemonSettings
    private let keeper: IndexKeeper
    private let queue: any RunQueue
    private let submissions: Submissions
    private let log: DaemonLog
    private let sessions = Sessions()
    private let hosts: AllowedHosts?
    private let tokens: Tokens?
    private let isListening = Bell()

    /// - Throws: `RunError` or `FileError`: a socket that another daemon answers at, an address or a token file that is not safe.
    package init(_ settings: DaemonSettings, index: RunIndex, log: DaemonLog = DaemonLog()) throws {
        self.settings = settings
        self.log = log
        keeper = IndexKeeper(index, log: log)
        submissions = Submissions(index, log: log)
        if let slurm = settings.slurm {
            queue = SlurmQueue(
                keeper, submissions, SlurmClient(settings: slurm, program: settings.program), log)
        } else {
            queue = CoreQueue(
                keeper, submissions, program: settings.program, cores: settings.cores, log: log)
        }
        try DaemonPlaces.createPrivate(Folder.parent(of: settings.socket))
        try Self.verifyFree(settings.socket)
        guard let port = settings.port else {
            if settings.publicURL != nil {
                throw RunError(
                    "--public-url is for --port: name the port that the proxy forwards to", exitCode: .usage)
            }
            (hosts, tokens) = (nil, nil)
            return
        }
        guard settings.allowsPlainNetwork || ["127.0.0.1", "::1", "localhost"].contains(settings.host) else {
            throw RunError(
                "--host \(settings.host.shown()): other machines could read tokens on the way. Listen on 127.0.0.1 behind a proxy with TLS "
                    + "(cluster/nginx.conf), or say --plain-network if the network is yours alone",
                exitCode: .usage)
        }
        hosts = try AllowedHosts(host: settings.host, port: port, publicURL: settings.publicURL)
        try DaemonPlaces.createPrivate(settings.stateFolder)
        tokens = try Tokens(folder: settings.stateFolder)
    }

    /// - Throws: `RunError` if something answers at the socket.
    private static func verifyFree(_ path: String) throws {
        guard path.utf8.count < 104 else {
            throw RunError(
                "the socket's path \(shown: path) has \(path.utf8.count) bytes; the system takes 103: name another with --socket",
                exitCode: .usage)
        }
        guard Folder.exists(path) else { return }
        if UnixConnection.isAnswered(path) {
            throw RunError(
                "another daemon answers at \(shown: path): stop it, or name another --socket",
                exitCode: .usage)
        }
    }

    /// Runs until SIGTERM or SIGINT.
    package func run() async throws {
        var quiet = Logger(label: "mio-coordinator")
        quiet.logLevel = .critical
        if let because = keeper.index.rebuiltBecause { log.write("the index is made anew: \(because)") }
        log.write(
            "runs start \(queue.summary)" + (settings.noSlurmBecause.map { "; no Slurm: \($0)" } ?? ""))
        var services: [any Service] = [
            ListeningService(
                server: socketServer(quiet), place: settings.socket, advice: "name another --socket")
        ]
        if let tokens, let hosts, let port = settings.port {
            services.append(
                ListeningService(
                    server: networkServer(tokens, hosts, port, quiet), place: "\(settings.host):\(port)",
                    advice: "end the program that listens there, or name another --port"))
        }
        // Ended in the opposite order: the keeper first, which ends the streams that servers would wait for.
        services += [LaterService(queue, after: isListening), keeper]
        var configuration = ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet)
        configuration.maximumGracefulShutdownDuration = .seconds(5)
        try await ServiceGroup(configuration: configuration).run()
        unlink(settings.socket)
    }

    private func socketServer(_ logger: Logger) -> some Service {
        // The socket is made with this mask: nobody else can connect, not for a moment. Programs begin later: they would make
        // folders with it that even their owner cannot enter.
        let mask = umask(0o177)
        let path = settings.socket
        return Application(
            responder: router(.socket, prefix: "").buildResponder(), server: server,
            configuration: ApplicationConfiguration(
                address: .unixDomainSocket(path: path), serverName: "mio"),
            onServerRunning: { _ in
                umask(mask)
                isListening.ring()
                chmod(path, 0o600)
                log.write("listening on \(path)")
            }, logger: logger)
    }

    private func networkServer(_ tokens: Tokens, _ hosts: AllowedHosts, _ port: Int, _ logger: Logger)
        -> some Service
    {
        Application(
            responder: router(.network(tokens, hosts), prefix: hosts.prefix).buildResponder(), server: server,
            configuration: ApplicationConfiguration(
                address: .hostname(settings.host, port: port), serverName: "mio"),
            onServerRunning: { _ in
                log.write("listening on \(hosts.baseURL), tokens in \(settings.stateFolder)")
            },
            logger: logger)
    }

    private var server: HTTPServerBuilder {
        let (header, body) = settings.requestSeconds
        return .http1(
            configuration: .init(
                additionalChannelHandlers: [
                    RequestDeadline(head: .seconds(Int64(header)), body: .seconds(Int64(body)))
                ],
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100)))
    }

    private func router(_ entrance: AccessGate.Entrance, prefix: String) -> Router<DaemonContext> {
        let router = Router(context: DaemonContext.self)
        router.add(middleware: AccessGate(entrance: entrance, sessions: sessions, log: log))
        addRoutes(to: router)
        if !prefix.isEmpty {
            addRoutes(to: router.group(RouterPath(prefix)))
        }
        return router
    }

    private func addRoutes(to router: some RouterMethods<DaemonContext>) {
        DashboardFiles.add(to: router)
        DaemonRoutes(keeper: keeper, queue: queue, sessions: sessions, hosts: hosts).add(to: router)
        let api = router.group("api/v1")
        RunRoutes(keeper: keeper, queue: queue).add(to: api)
        FolderRoutes(keeper: keeper).add(to: api)
        QueueRoutes(keeper: keeper, queue: queue, submissions: submissions).add(to: api)
    }
}
