/// How machines are asked whether they are there: by the program with which the launcher reaches them.
package enum HostInquiry: Hashable, Sendable {
    /// The command that runs another one on a machine, without the machine's name: `ssh`.
    case agent([String])
    /// Slurm's list of nodes.
    case slurm

    /// For `mpirun` on machines that `--hosts` or a hostfile names.
    /// - Parameter arguments: further ones of `mpirun`.
    package init(arguments: [String], environment: [String: String]) {
        let names = ["plm_rsh_agent", "plm_ssh_agent", "orte_rsh_agent"]
        var agent = names.flatMap { ["OMPI_MCA_\($0)", "PRTE_MCA_\($0)"] }.compactMap { environment[$0] }
            .first
        for place in arguments.indices.dropLast(2)
        where arguments[place].drop(while: { $0 == "-" }).hasSuffix("mca")
            && names.contains(arguments[place + 1])
        {
            agent = arguments[place + 2]
        }
        // `ssh : rsh`: the first one that is there.
        let words = (agent ?? "ssh").prefix { $0 != ":" }.split(separator: " ").map(String.init)
        let command = words.isEmpty ? ["ssh"] : words
        let isSSH = command[0] == "ssh" || command[0].hasSuffix("/ssh")
        self = .agent(
            command + (isSSH ? ["-o", "BatchMode=yes", "-o", "ConnectTimeout=\(Self.secondsToConnect)"] : []))
    }

    private static let secondsToConnect = 5

    /// An answer takes so long at most.
    package static let mostSeconds = 10.0

    /// The commands that ask, each with the machines that it asks.
    package func commands(_ hosts: [String]) -> [(hosts: [String], arguments: [String])] {
        switch self {
        case .agent(let command): hosts.map { ([$0], command + [$0, "true"]) }
        case .slurm:
            [
                (
                    hosts,
                    [
                        "sinfo", "--noheader", "--Node", "--nodes=\(hosts.joined(separator: ","))",
                        "--format=%N %t",
                    ]
                )
            ]
        }
    }

    /// What a command's end tells.
    /// - Parameters:
    ///   - status: the exit status; `nil` if it took too long.
    ///   - output: what it wrote, to standard error too.
    /// - Returns: whether each of its machines is there; those of which it tells nothing are left out.
    package func answers(of hosts: [String], status: Int32?, output: String) -> [String: Bool] {
        switch self {
        case .agent:
            if status == 0 { return Dictionary(uniqueKeysWithValues: hosts.map { ($0, true) }) }
            // A shell that has no such program: nobody was asked.
            if status == 127 { return [:] }
            // A machine that refuses is there.
            let refuses = [
                "Permission denied", "Host key verification failed", "Too many authentication failures",
            ]
            if refuses.contains(where: output.contains) { return [:] }
            return Dictionary(uniqueKeysWithValues: hosts.map { ($0, false) })
        case .slurm:
            guard status == 0 else { return [:] }
            var answers: [String: Bool] = [:]
            for line in output.split(whereSeparator: \.isNewline) {
                let words = line.split(separator: " ").map(String.init)
                guard words.count == 2, hosts.contains(words[0]) else { continue }
                // A star: the node does not answer.
                let isGone =
                    words[1].hasSuffix("*") || ["down", "fail", "unk", "boot", "pow_dn"].contains(words[1])
                answers[words[0]] = !isGone
            }
            return answers
        }
    }
}
