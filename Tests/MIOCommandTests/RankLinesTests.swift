import Foundation
import ProcessSupport
import SmallJobs
import Testing

/// What `mio train` shows of what its ranks write, with a real `mpirun`.
@Suite struct RankLinesTests {
    private static let lines = 20

    /// A worker that writes the same lines on all ranks at about the same time, as `mio-worker` hands them to the launcher.
    private static let worker = """
        #!/bin/sh
        rank=${OMPI_COMM_WORLD_RANK:-0}
        touch "started-$rank"
        until [ -e started-0 ] && [ -e started-1 ] && [ -e started-2 ]; do sleep 0.01; done
        for line in $(seq \(lines)); do
            printf '\\001%d\\002line %d\\n\\003' "$rank" "$line" >&2
            sleep 0.05
        done
        printf '\\001%d\\002only here\\n\\003' "$rank"
        printf '\\001%d\\002no end of line %d\\003' "$rank" "$rank"

        """

    @Test func aLineOfAllRanksIsShownOnce() throws {
        let small = try SmallJob()
        // It looks for its worker beside itself.
        let program = small.path("mio")
        try FileManager.default.copyItem(
            at: URL(filePath: BuiltProgram.path("mio")).resolvingSymlinksInPath(), to: URL(filePath: program))
        _ = try small.folder.write(Array(Self.worker.utf8), to: "mio-worker")
        #expect(chmod(small.path("mio-worker"), 0o700) == 0)
        let run = try SpawnedProcess([
            "env", "-C", small.folder.path, program, "train", "-n", "3", "--restarts", "0", "job.yaml",
        ])
        .wait(atMost: 60)
        // No rank has left the mark of a finished run.
        #expect(run.status == 74, "\(run.errors)")

        var ranks: [Int: [Int]] = [:]
        var folded = 0
        for line in run.errors.split(separator: "\n") {
            guard let found = line.wholeMatch(of: #/(?:\[ranks? ([0-9,-]+)\] )?line ([0-9]+)/#) else {
                continue
            }
            let place = try #require(Int(found.output.2))
            let names = found.output.1 ?? "0"
            ranks[place, default: []] += names.split(separator: ",").flatMap { run in
                let ends = run.split(separator: "-").compactMap { Int($0) }
                return Array((ends.first ?? -1)...(ends.last ?? -1))
            }
            if names == "0-2" { folded += 1 }
        }
        #expect(ranks.keys.sorted() == Array(1...Self.lines), "\(run.errors)")
        for (line, written) in ranks { #expect(written.sorted() == [0, 1, 2], "line \(line)") }
        // The machine may hold up one of them.
        #expect(folded > 0, "\(run.errors)")
        let shown = run.output.split(separator: "\n")
        for rank in 1...2 {
            #expect(shown.contains("[rank \(rank)] no end of line \(rank)"), "\(run.output)")
        }
        #expect(shown.contains("no end of line 0"), "\(run.output)")
        #expect(!run.output.utf8.contains { $0 < 4 })
        #expect(!run.errors.utf8.contains { $0 < 4 })
    }
}
