import Foundation
import ProcessSupport
import Testing

/// Hosts of which each has a network of its own, joined to that of `mio train` by a cable that can be cut: what runs there
/// goes on then, and nobody hears of it.
final class HostNetworks {
    private let center: SpawnedProcess
    private var hosts: [String: SpawnedProcess] = [:]

    private static let names = ["pretended1", "pretended2"]
    private static let prefix = "10.213.78."

    /// - Throws: the test fails where nobody may make a network.
    init() throws {
        center = try Self.hold(["unshare", "--net"])
        try run(in: center, "ip link set lo up && ip link add mio type bridge && ip link set mio up")
        try run(in: center, "ip address add \(Self.prefix)1/24 dev mio")
        for (number, name) in Self.names.enumerated() {
            let host = try Self.hold(["unshare", "--net", "--uts", "--mount", "--propagation", "private"])
            hosts[name] = host
            try run(
                in: center,
                """
                ip link add host\(number) type veth peer name mio netns \(host.processIdentifier) && \
                ip link set host\(number) master mio && ip link set host\(number) up
                """)
            try run(
                in: host, "hostname \(name) && mount -t tmpfs tmpfs /dev/shm",
                also: ["--uts", "--mount", "--root"])
            try run(
                in: host,
                "ip link set lo up && ip address add \(Self.prefix)\(number + 2)/24 dev mio && ip link set mio up"
            )
        }
    }

    deinit { for process in [center] + hosts.values { process.signal(SIGKILL) } }

    /// A process that keeps its namespaces there.
    private static func hold(_ wrapper: [String]) throws -> SpawnedProcess {
        let process = try SpawnedProcess(wrapper + ["sh", "-c", "echo there; exec sleep 100000"])
        try waitUntil("a namespace") { try !process.isRunning || process.outputSoFar() == "there\n" }
        guard process.isRunning else {
            throw SpawnedProcess.Failure(
                "this test needs networks of its own, and `\(wrapper.joined(separator: " "))` makes none: run the tests as "
                    + "root. " + (try process.wait(atMost: 1).errors))
        }
        return process
    }

    private func run(in holder: SpawnedProcess, _ script: String, also namespaces: [String] = []) throws {
        let run = try SpawnedProcess(Self.enter(holder, namespaces) + ["sh", "-c", script]).wait(atMost: 20)
        guard run.status == 0 else { throw SpawnedProcess.Failure("\(script): \(run.errors)") }
    }

    private static func enter(_ holder: SpawnedProcess, _ namespaces: [String]) -> [String] {
        ["nsenter", "--target", "\(holder.processIdentifier)", "--net"] + namespaces
    }

    /// What starts a command in the network of `mio train`.
    var wrapper: [String] { Self.enter(center, []) }

    /// What starts a command on a host, in the words of a shell with its name in `$host`.
    var agent: String {
        let cases = hosts.map { name, holder in
            "\(name)) exec \(Self.enter(holder, ["--uts", "--mount", "--root"]).joined(separator: " ")) sh -c \"cd / && $*\" ;;"
        }
        return "case $host in \(cases.joined(separator: " ")) esac"
    }

    /// What makes `mpirun` use the cables.
    var arguments: [String] {
        [
            "--mca", "btl_tcp_if_include", "\(Self.prefix)0/24", "--mca", "oob_tcp_if_include",
            "\(Self.prefix)0/24",
        ]
    }

    func setCable(of host: String, isThere: Bool) throws {
        guard let number = Self.names.firstIndex(of: host) else { return }
        try run(in: center, "ip link set host\(number) \(isThere ? "up" : "down")")
    }
}
