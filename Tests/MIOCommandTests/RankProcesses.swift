import Foundation
import SmallJobs
import TestFolders

/// The processes of a run that `mio train` looks after, found by the folder that it gives its ranks for their logs.
struct RankProcesses {
    private let folder: String

    init(_ run: String) { folder = URL(filePath: run).resolvingSymlinksInPath().path }

    /// The process of each rank.
    var ranks: [Int: Int32] {
        var ranks: [Int: Int32] = [:]
        for (process, variables) in processes(named: "mio-worker") {
            // As mpirun tells it, and as Slurm does.
            let rank = variables["OMPI_COMM_WORLD_RANK"] ?? variables["PMIX_RANK"]
            ranks[rank.flatMap(Int.init) ?? 0] = process
        }
        return ranks
    }

    var mpirun: Int32? { launchers.first?.process }

    /// Open MPI 5 has its `mpirun` become another program.
    private var launchers: [(process: Int32, variables: [String: String])] {
        processes(named: "mpirun") + processes(named: "prterun")
    }

    /// What is there, for a message.
    var description: String {
        (processes(named: "mio-worker") + launchers).map { process, variables in
            "\(process): \(ProcFile.name(of: process) ?? "gone"), attempt \(variables["MIO_ATTEMPT"] ?? "-"), "
                + "board \(variables["MIO_PROGRESS"] ?? "-")"
        }.joined(separator: "; ")
    }

    var areGone: Bool { ranks.isEmpty && mpirun == nil }

    private func processes(named name: String) -> [(process: Int32, variables: [String: String])] {
        ProcFile.processes.compactMap { process in
            // The process that keeps a rank's log is a copy of it, with another name.
            guard ProcFile.name(of: process) == name, let variables = ProcFile.environment(of: process) else {
                return nil
            }
            guard let logs = variables["MIO_LOGS"],
                URL(filePath: logs).resolvingSymlinksInPath().path == folder
            else { return nil }
            return (process, variables)
        }
    }
}
