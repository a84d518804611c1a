import Foundation
import MIORunFolder
import ProcessSupport
import SmallJobs
import Testing

/// `training.time_limit: auto`, with programs that stand in for those of batch systems.
@Suite(.serialized) struct TimeLimitTests {
    /// What batch systems tell that have no variable for it: a program of theirs is asked once.
    @Test(arguments: [
        ("bjobs", "LSB_JOBID=17 LSB_JOBINDEX=3", "-noheader -o time_left 17[3]", "0:01 L"),
        (
            "qstat", "PBS_JOBID=17.server", "-f 17.server",
            "Job Id: 17.server\n    Resource_List.walltime = 00:00:01"
        ),
    ]) func aBatchSystemIsAskedForTheTimeLimit(
        program: String, variables: String, arguments: String, answer: String
    ) throws {
        let small = try SmallJob()
        try """
        #!/bin/sh
        echo "$*" >> '\(small.path("asked"))'
        cat '\(small.path("answer"))'

        """.write(toFile: small.path(program), atomically: true, encoding: .utf8)
        try (answer + "\n").write(toFile: small.path("answer"), atomically: true, encoding: .utf8)
        chmod(small.path(program), 0o755)
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let run = try SpawnedProcess(
            ["env", "-C", small.folder.path, "PATH=\(small.folder.path):\(path)"]
                + variables.split(separator: " ").map(String.init)
                + [BuiltProgram.path("mio"), "train", "-n", "2", "--set", "training.epochs=100000000"]
        ).wait(atMost: 60)
        #expect(run.status == 75, "\(run.errors)")
        let end = try #require(try RunFolder(small.path("runs/small")).status()?.end)
        #expect(end.cause == .deadline)
        #expect(try String(contentsOfFile: small.path("asked"), encoding: .utf8) == arguments + "\n")
    }
}
