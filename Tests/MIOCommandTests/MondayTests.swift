import Foundation
import ProcessSupport
import TestFolders
import Testing

/// `examples/monday` as its README has it: the daemon, `mio submit`, and everything killed once.
@Suite(.serialized) struct MondayTests {
    @Test func theWeekendEndsWithTheUndisturbedWeights() throws {
        let folder = try TemporaryFolder()
        let example = BuiltProgram.repository + "/examples/monday"
        // The job, in a folder of its own; with the data where it expects them.
        let run = folder.path("monday")
        try FileManager.default.createDirectory(atPath: run, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: example + "/job.yaml", toPath: run + "/job.yaml")
        let made = try SpawnedProcess([
            BuiltProgram.path("two-heads-data"), "--output", folder.path("two-heads/data"),
        ]).wait(atMost: 60)
        #expect(made.status == 0, "\(made.errors)")
        let bin = URL(filePath: try BuiltProgram.path("mio")).deletingLastPathComponent().path
        let weekend = try SpawnedProcess(
            [example + "/weekend"],
            environment: MPIEnvironment.variables.merging(["MONDAY_FOLDER": run, "BIN": bin]) { $1 }
        ).wait(atMost: 240)
        #expect(weekend.status == 0, "\(weekend.errors)\n\(weekend.output)")
        #expect(weekend.output.contains("monday  finished"), "\(weekend.output)")
        #expect(weekend.output.hasSuffix("The weights are the same, to the bit.\n"), "\(weekend.output)")
        // Ranks of Open MPI 5 die with their launcher: who is seen to be gone first differs.
        let launchers =
            try MPIEnvironment.quietOption().isEmpty
            ? ["rank 0", "rank 1", "one of the ranks 0, 1", "mpirun"] : ["mpirun"]
        for (attempt, dead) in [(1, ["rank 1"]), (2, launchers)] {
            let row = weekend.output.split(separator: "\n").last {
                $0.contains(" crashed ") && $0.split(separator: " ").first == "\(attempt)"
            }
            #expect(
                dead.contains { row?.contains(" \($0) was ended by signal 9") == true }, "\(weekend.output)")
        }
    }
}
