import Foundation
import MIOFiles
import MIOSystem

/// What Open MPI leaves behind where its processes are killed.
package enum Leftovers {
    /// Removes files of shared memory that no process has in its memory any more.
    package static func remove(_ paths: some Collection<String>) {
        let present = Set(paths.filter { $0.hasPrefix("/dev/shm/") && access($0, F_OK) == 0 })
        guard !present.isEmpty else { return }
        var used: Set<String> = []
        for name in (try? Folder.names(in: "/proc")) ?? [] where name.first?.isNumber == true {
            guard let maps = SystemFile.text("/proc/\(name)/maps"), maps.contains("/dev/shm/") else {
                continue
            }
            for path in present where maps.contains(path) { used.insert(path) }
        }
        for path in present.subtracting(used) { unlink(path) }
    }

    /// Removes the folder that an `mpirun` of this machine had for itself: of Open MPI 4, or of Open MPI 5, whose `mpirun` has
    /// become `prterun`.
    /// - Parameter process: of that `mpirun`, which has ended.
    package static func removeSession(of process: Int) {
        let temporary = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        let (host, user) = (ProcessInfo.processInfo.hostName, getuid())
        for name in ["ompi.\(host).\(user)/pid.\(process)", "prterun.\(host).\(process).\(user)"] {
            try? Folder.remove(Folder.join(temporary, name))
        }
    }
}
