import Foundation
import MIOConfig
import MIODaemon
import MIOFiles
import MIORunFolder
import TestFolders

/// Programs of a few lines with the names of Slurm's commands. The queue is a file, and each call a line of another.
final class FakeSlurm {
    let folder: TemporaryFolder

    private static let programs = [
        // Puts the job into the queue, as PENDING. Files say how it goes wrong.
        "sbatch": #"""
        for argument; do case $argument in --job-name=*) name=${argument#--job-name=} ;; esac; done
        [ ! -e deaf ] || { echo 'sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)' >&2; exit 1; }
        [ ! -e refusal ] || { cat refusal >&2; exit 1; }
        [ ! -e kill-before ] || { rm kill-before; kill -9 $PPID; exit 1; }
        number=$(($(cat number 2>/dev/null || echo 100) + 1))
        echo $number >number
        printf '%s\n' "$@" >arguments-$number
        printf '%s' "$MIO_CONFINED" >confined
        echo "$number|PENDING|N/A||$name|Priority" >>queue
        [ ! -e kill-after ] || { rm kill-after; kill -9 $PPID; exit 1; }
        [ ! -e hang ] || { rm hang; exec sleep 60; }
        echo 'sbatch: warning: a warning' >&2
        echo "$number;far"
        """#,
        "squeue": #"""
        [ ! -e deaf ] || { echo 'slurm_load_jobs error: Unable to contact slurm controller (connect failure)' >&2; exit 1; }
        [ ! -e slow ] || exec sleep 60
        cat queue 2>/dev/null || true
        """#,
        "scancel": #"""
        [ ! -e deaf ] || { echo 'scancel: error: Kill job error on job id 101: Unable to contact slurm controller' >&2; exit 1; }
        sed -i "s/^$1|[A-Z]*|/$1|CANCELLED|/" queue
        """#,
        "sacct": #"""
        cat accounts 2>/dev/null || { echo 'Slurm accounting storage is disabled' >&2; exit 1; }
        """#,
    ]

    init() throws {
        folder = try TemporaryFolder()
        try Folder.create(folder.path("bin"))
        for (name, text) in Self.programs {
            let script =
                "#!/bin/sh\ncd '\(folder.path)' || exit 99\necho \(name) >>calls\n" + text + "\n"
            let path = folder.path("bin/" + name)
            try AtomicFile.write(script, to: path)
            guard chmod(path, 0o755) == 0 else { throw CocoaError(.fileWriteNoPermission) }
        }
        try AtomicFile.write("#!/bin/sh\n", to: folder.path("slurm.sbatch"))
    }

    var path: String { folder.path("bin") + ":/usr/bin:/bin" }

    func settings(interval: Double = 0.1) -> SlurmSettings {
        var settings = SlurmSettings(script: folder.path("slurm.sbatch"), path: path)
        settings.interval = interval
        settings.patience = 1
        return settings
    }

    func set(_ name: String, _ text: String = "") throws { try AtomicFile.write(text, to: folder.path(name)) }
    func remove(_ name: String) throws { try Folder.remove(folder.path(name)) }

    func calls(of name: String) -> Int {
        lines("calls").count { $0 == name }
    }

    func arguments(of job: Int) -> [String] { lines("arguments-\(job)") }
    var queue: [String] { lines("queue") }

    private func lines(_ name: String) -> [String] {
        let text = (try? String(contentsOfFile: folder.path(name), encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map(String.init)
    }

    /// Replaces what `squeue` says of a job; `nil`: it knows the job no more.
    func change(_ job: Int, to state: String?, reason: String = "None", nodes: String = "") throws {
        let lines = queue.compactMap { line -> String? in
            let fields = line.split(separator: "|", omittingEmptySubsequences: false)
            guard fields[0] == "\(job)" else { return line }
            return state.map { "\(job)|\($0)|1796005372|\(nodes)|\(fields[4])|\(reason)" }
        }
        try set("queue", lines.map { $0 + "\n" }.joined())
    }
}
