import Foundation
import MIOBase
import MIODaemon
import MIODaemonClient
import MIOFiles
import MIORunIndex
import ProcessSupport
import Synchronization
import TestFolders

/// A daemon in this process, with a folder of runs, a Unix socket and a port of its own.
final class RunningDaemon {
    let folder: TemporaryFolder
    let roots: String
    let socket: String
    let port: Int
    let index: RunIndex
    private let task: Task<Void, any Error>
    private let lines: Lines

    final class Lines: Sendable {
        private let kept = Mutex<[String]>([])
        func add(_ line: String) { kept.withLock { $0.append(line) } }
        var all: [String] { kept.withLock { $0 } }
    }

    /// - Parameter change: of the settings.
    init(_ change: (inout DaemonSettings) -> Void = { _ in }) throws {
        folder = try TemporaryFolder()
        roots = folder.path("runs")
        try Folder.create(roots)
        socket = folder.path("private/daemon.sock")
        port = try TestSocket.freePort()
        index = try RunIndex(path: folder.path("index.sqlite"), roots: [roots])
        var settings = DaemonSettings(
            socket: socket, stateFolder: folder.path("state"), program: "/nonexistent/mio", cores: 4)
        settings.port = port
        change(&settings)
        let lines = Lines()
        self.lines = lines
        let daemon = try Daemon(settings, index: index, log: DaemonLog { lines.add($0) })
        task = Task.detached { try await daemon.run() }
        let (socket, port) = (socket, port)
        try waitUntil("the daemon listens") {
            UnixConnection.isAnswered(socket)
                && (try? TestSocket.connect(port: port)).map { close($0) == 0 } ?? false
        }
    }

    deinit { task.cancel() }

    var log: [String] { lines.all }

    func token(_ name: String = "token") throws -> String {
        try String(contentsOfFile: folder.path("state/" + name), encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// A folder with a run of some steps.
    @discardableResult
    /// - Parameter more: what else its folder, which is given, has: the daemon may look at it as soon as it is there.
    func makeRun(_ name: String, steps: Int = 5, more: (_ path: String) throws -> Void = { _ in }) throws
        -> String
    {
        let path = folder.path("making-\(name)")
        try Folder.create(Folder.join(path, "checkpoints"))
        try AtomicFile.write("name: \(name)\nseed: 1\n", to: Folder.join(path, "job.yaml"))
        try AtomicFile.write(
            (0..<steps).map { #"{"event": "step", "step": \#($0 + 1), "epoch": 0, "loss": \#($0)}"# + "\n" }
                .joined(),
            to: Folder.join(path, "metrics.jsonl"))
        try more(path)
        let place = Folder.join(roots, name)
        try Folder.rename(path, to: place)
        return place
    }

    /// The key of the only run with that name.
    func key(_ name: String) throws -> String {
        var query = RunQuery()
        query.filter = "name=\(name)"
        let found = try index.runs(query).runs
        guard found.count == 1 else { throw TestSocket.Failure("\(found.count) runs are named \(name)") }
        return found[0].key
    }

    func ask(
        _ path: String, token: String? = nil, headers: [String] = [], body: String? = nil, host: String? = nil
    ) throws -> TestSocket.Answer {
        try ask("GET", path, token: token, headers: headers, body: body, host: host)
    }

    /// Over TCP, as a well-behaved client unless told otherwise.
    func ask(
        _ method: String, _ path: String, token: String? = nil, headers: [String] = [], body: String? = nil,
        host: String? = nil
    ) throws -> TestSocket.Answer {
        var lines = [
            "\(method) \(path) HTTP/1.1", "Host: \(host ?? "127.0.0.1:\(port)")", "Connection: close",
        ]
        if let token { lines.append("Authorization: Bearer \(token)") }
        if let body { lines += ["Content-Type: application/json", "Content-Length: \(body.utf8.count)"] }
        lines += headers
        return try TestSocket.exchange(
            lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? ""), TestSocket.connect(port: port))
    }
}

/// Sockets, and HTTP as bytes: tests send what no client would.
enum TestSocket {
    struct Failure: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    struct Answer {
        let status: Int
        let head: String
        let body: String

        func header(_ name: String) -> String? {
            head.split(separator: "\r\n").first { $0.lowercased().hasPrefix(name.lowercased() + ":") }
                .map { $0.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces) }
        }
    }

    private static func address(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        return address
    }

    static func freePort() throws -> Int {
        let descriptor = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var own = address(0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &own) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 ? getsockname(descriptor, $0, &size) : -1
            }
        }
        guard result == 0 else { throw Failure("no free port: \(String(cString: strerror(errno)))") }
        return Int(in_port_t(bigEndian: own.sin_port))
    }

    static func connect(port: Int) throws -> Int32 {
        let descriptor = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var peer = address(port)
        let result = withUnsafePointer(to: &peer) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            close(descriptor)
            throw Failure("cannot connect to port \(port): \(String(cString: strerror(errno)))")
        }
        limit(descriptor, seconds: 30)
        return descriptor
    }

    static func limit(_ descriptor: Int32, seconds: Int) {
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    static func write(_ text: String, _ descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            // The other end may have heard enough.
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// What comes until the other end closes, or `stop` finds enough.
    static func read(_ descriptor: Int32, until stop: (String) -> Bool = { _ in false }) throws -> String {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        let start = ContinuousClock.now
        while true {
            // A stream shows that it is there now and then, and would never be silent for long.
            guard start.duration(to: .now) < .seconds(60) else {
                throw Failure("not enough within a minute: \(String(decoding: bytes, as: UTF8.self))")
            }
            let count = recv(descriptor, &piece, piece.count, 0)
            if count < 0, errno == EAGAIN {
                throw Failure("no answer in time, only: \(String(decoding: bytes, as: UTF8.self))")
            }
            guard count > 0 else { break }
            bytes += piece[..<count]
            if stop(String(decoding: bytes, as: UTF8.self)) { break }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Sends, and reads until the other end closes. The descriptor is closed.
    static func exchange(_ text: String, _ descriptor: Int32) throws -> Answer {
        defer { close(descriptor) }
        write(text, descriptor)
        return try answer(try read(descriptor))
    }

    static func answer(_ text: String) throws -> Answer {
        guard let end = text.range(of: "\r\n\r\n"),
            let status = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { throw Failure("no answer of HTTP: \(text)") }
        return Answer(
            status: status, head: String(text[..<end.lowerBound]), body: String(text[end.upperBound...]))
    }
}
