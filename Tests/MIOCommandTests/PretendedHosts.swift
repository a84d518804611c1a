import Foundation
import ProcessSupport
import SmallJobs
import Testing

/// Hosts that this machine pretends to be: the launcher's agent, in place of ssh, runs what a host is to run here, with a name,
/// shared memory and a temporary folder of its own.
struct PretendedHosts {
    private let small: SmallJob
    private let networks: HostNetworks?
    /// Every process of a host has it in its environment.
    private static let variable = "MIO_PRETENDED_HOST"

    /// - Parameter networks: those of the hosts, if each is to have one of its own.
    /// - Throws: the test fails where nobody may make a namespace.
    init(in small: SmallJob, _ networks: HostNetworks? = nil) throws {
        self.small = small
        self.networks = networks
        let wrapper = try #require(
            Self.wrapper,
            """
            this test needs hosts with names of their own, and neither `unshare --mount --uts` nor `unshare \
            --map-root-user --mount --uts` works here: run the tests as root, or allow user namespaces (sysctl \
            kernel.unprivileged_userns_clone=1, and kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu)
            """)
        let script = """
            #!/bin/sh
            folder='\(small.folder.path)'
            host=$1
            shift
            [ ! -e "$folder/$host.silent" ] || exec sleep 600
            if [ -e "$folder/$host.gone" ]; then
                echo "ssh: connect to host $host port 22: No route to host" >&2
                exit 255
            fi
            export \(Self.variable)="$folder/$host" TMPDIR="$folder/$host"
            mkdir -p "$TMPDIR"
            \(networks?.agent ?? Self.agent(wrapper))

            """
        _ = try small.folder.write(Array(script.utf8), to: "agent")
        #expect(chmod(small.path("agent"), 0o700) == 0)
    }

    /// A name and shared memory of its own; nobody else sees that mount.
    private static let host = "hostname $0 && mount --make-private /dev/shm && mount -t tmpfs tmpfs /dev/shm"

    /// The last one is for a changed root that is no mount itself.
    private static let wrapper: [String]? = [
        ["unshare", "--mount", "--uts"], ["unshare", "--map-root-user", "--mount", "--uts"],
        ["unshare", "--mount", "--propagation", "unchanged", "--uts"],
    ].first { (try? SpawnedProcess($0 + ["sh", "-c", host, "pretended"]).wait(atMost: 20).status) == 0 }

    private static func agent(_ wrapper: [String]) -> String {
        "exec \(wrapper.joined(separator: " ")) sh -c '\(host) && exec sh -c \"$*\"' \"$host\" \"$@\""
    }

    /// What makes `mpirun` use them.
    var arguments: [String] {
        ["--", "--mca", "plm_rsh_agent", small.path("agent")]
            + (networks?.arguments ?? ["--mca", "btl_tcp_if_include", "lo"])
    }

    /// What starts `mio train` so that it reaches them.
    var wrapper: [String] { networks?.wrapper ?? [] }

    /// A host does not answer, and nothing of it is there any more; or, with a network of its own, nothing of it is heard.
    func lose(_ host: String) throws {
        _ = try small.folder.write([], to: "\(host).gone")
        if let networks { return try networks.setCable(of: host, isThere: false) }
        while !processes(of: host).isEmpty { for process in processes(of: host) { kill(process, SIGKILL) } }
    }

    func bringBack(_ host: String) throws {
        try networks?.setCable(of: host, isThere: true)
        try FileManager.default.removeItem(atPath: small.path("\(host).gone"))
    }

    /// It takes connections, and says nothing.
    func silence(_ host: String) throws { _ = try small.folder.write([], to: "\(host).silent") }

    func unsilence(_ host: String) throws {
        try FileManager.default.removeItem(atPath: small.path("\(host).silent"))
    }

    private func processes(of host: String) -> [Int32] {
        ProcFile.processes.filter {
            ProcFile.environment(of: $0)?[Self.variable] == small.path(host)
        }
    }

    /// The rank on a host.
    func rank(on host: String) -> Int32? {
        processes(of: host).first { ProcFile.name(of: $0) == "mio-worker" }
    }
}
