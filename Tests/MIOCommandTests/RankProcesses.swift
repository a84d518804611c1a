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
            ranks[variables["OMPI_COMM_WORLD_RANK"].flatMap(Int.init) ?? 0] = process
        }
        return ranks
    }

    var mpirun: Int32? { processes(named: "mpirun").first?.process }

    var areGone: Bool { ranks.isEmpty && mpirun == nil }

    private func processes(named name: String) -> [(process: Int32, variables: [String: String])] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { text in
            // The process that keeps a rank's log is a copy of it, with another name.
            guard let process = Int32(text), Self.text("/proc/\(text)/comm") == name + "\n",
                let environment = Self.text("/proc/\(text)/environ")
            else { return nil }
            var variables: [String: String] = [:]
            for entry in environment.split(separator: "\0") {
                let parts = entry.split(separator: "=", maxSplits: 1)
                if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
            }
            guard let logs = variables["MIO_LOGS"],
                URL(filePath: logs).resolvingSymlinksInPath().path == folder
            else { return nil }
            return (process, variables)
        }
    }

    /// FileManager reads one page of such files.
    private static func text(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 17)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
