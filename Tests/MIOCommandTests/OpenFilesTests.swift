import Foundation
import ProcessSupport
import SmallJobs
import Testing

/// `ulimit -n` below what `mpirun` needs: it would wait for ever. One after the other: each starts several processes.
@Suite(.serialized) struct OpenFilesTests {
    /// - Parameter limit: arguments of `ulimit`.
    private func mio(_ limit: String, _ arguments: String..., in small: SmallJob) throws
        -> SpawnedProcess.Outcome
    {
        try SpawnedProcess(
            [
                "env", "-C", small.folder.path, "sh", "-c", "ulimit \(limit) && exec \"$0\" \"$@\"",
                BuiltProgram.path("mio"),
            ] + arguments, environment: MPIEnvironment.variables
        ).wait(atMost: 120)
    }

    /// The hard limit allows more.
    @Test(arguments: ["-S -n 24", "-S -n 30", "-S -n 38"]) func aSoftLimitIsRaised(limit: String) throws {
        let small = try SmallJob()
        let run = try mio(limit, "train", "-n", "3", "--set", "training.epochs=1", in: small)
        #expect(run.status == 0, "\(run.errors)")
        #expect(FileManager.default.fileExists(atPath: small.path("runs/small/model.safetensors")))
    }

    @Test func anExactlySufficientHardLimitIsEnough() throws {
        let small = try SmallJob()
        let run = try mio("-n 60", "train", "-n", "3", "--set", "training.epochs=1", in: small)
        #expect(run.status == 0, "\(run.errors)")
    }

    /// The check says it too.
    @Test(arguments: [24, 44, 59], ["train", "check"]) func aHardLimitIsTold(limit: Int, command: String)
        throws
    {
        let small = try SmallJob()
        let run = try mio("-n \(limit)", command, "-n", "3", in: small)
        #expect(run.status == 74, "\(run.errors)")
        #expect(
            run.errors
                == "mio: mpirun needs 60 open files and pipes (48, and 4 for each of 3 ranks on this machine), but at "
                + "most \(limit) are allowed, the hard limit (`ulimit -Hn`): with fewer it waits for ever. Raise the "
                + "limit (`ulimit -n`, as root; /etc/security/limits.conf; LimitNOFILE= of a service), or take fewer "
                + "ranks\n")
        #expect(!FileManager.default.fileExists(atPath: small.path("runs")))
    }

    /// It has no launcher.
    @Test func aLoneRankNeedsFewer() throws {
        let small = try SmallJob()
        let run = try mio("-n 24", "train", "--set", "training.epochs=1", in: small)
        #expect(run.status == 0, "\(run.errors)")
    }
}
