import Foundation
import ProcessSupport
import SmallJobs

/// Runs `mio` in the job's folder.
func mio(_ arguments: String..., in small: SmallJob) throws -> SpawnedProcess.Outcome {
    try start(arguments, in: small).wait(atMost: 120)
}

/// The same, with a list.
func mio(_ arguments: [String], in small: SmallJob) throws -> SpawnedProcess.Outcome {
    try start(arguments, in: small).wait(atMost: 120)
}

/// Starts `mio` in the job's folder.
func start(_ arguments: [String], in small: SmallJob) throws -> SpawnedProcess {
    try SpawnedProcess(["env", "-C", small.folder.path, BuiltProgram.path("mio")] + arguments)
}

/// A training that has written its first checkpoint and goes on for ever.
func startEndless(ranks: Int, in small: SmallJob) throws -> SpawnedProcess {
    let started = try start(
        [
            "train", "-n", "\(ranks)", "--set", "training.epochs=100000000", "--set",
            "logging.every_steps=1",
        ], in: small)
    try waitUntil("the first checkpoint") {
        FileManager.default.fileExists(atPath: small.path("runs/small/checkpoints/step-000000006"))
            || !started.isRunning
    }
    return started
}
