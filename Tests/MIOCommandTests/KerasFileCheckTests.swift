import Foundation
import ProcessSupport
import SmallJobs
import Testing

/// `mio check` and `mio summary` of a file of Keras. Programs of their own, because HDF5 keeps one state for a process.
@Suite struct KerasFileCheckTests {
    /// Every compile argument that a job would be refused for, not the first one of an output alone.
    @Test(arguments: ["check", "summary"]) func listsRefusedCompileArguments(command: String) throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("KerasFiles/refused_arguments-2.h5").path
        let small = try SmallJob()
        let outcome = try SpawnedProcess([
            "env", "-C", small.folder.path, "MIO_CACHE=" + small.path("cache"),
            try BuiltProgram.path("mio"), command, file,
        ]).wait(atMost: 60)
        #expect(outcome.status == 0)
        let warnings = outcome.output.split(separator: "\n").filter { $0.hasPrefix("warning: ") }
        for words in ["legacy.Nadam", "outputs.p.loss.config.reduction", "MeanRelativeError"] {
            #expect(warnings.count { $0.contains(words) } == 1, "\(words): \(outcome.output)")
        }
        #expect(outcome.output.contains("output q: MeanSquaredError"))
    }
}
