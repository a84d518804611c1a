import Foundation
import MIOFiles
import MIORunFolder
import ProcessSupport
import SmallJobs
import Testing

/// `cluster/slurm.sbatch` in a real Slurm: every run ends with the bits of one that nobody disturbed.
@Suite(.serialized) struct SlurmTests {
    /// Slurm looks twice a minute whether it has to send a signal, and sends it when the next look would be too late.
    @Test func aRunGoesOnWhereTheTimeLimitCutItOff() throws {
        let cluster = try SlurmCluster()
        let job = try SlurmJob(on: cluster)
        try job.submit(["--time=1", "--signal=B:USR1@59"])
        try job.wait(for: .stopped)
        try job.letItEnd()
        try cluster.wait(for: job.number, toBe: ["COMPLETED"])
        #expect(try cluster.facts(of: job.number)["Restarts"] == "1")
        #expect(job.log.contains("passing USR1 on to mio train"), "\(job.log)")
        #expect(job.log.contains("back into the queue"), "\(job.log)")
        #expect(try job.ends().map(\.cause) == [.preemption, .finished])
        #expect(try job.weights() == job.undisturbedWeights())
        #expect(job.processes.areGone)
    }

    /// Where Slurm gives no signal ahead of the limit, the run's own clock stops it: `squeue` says when.
    @Test func theRunKnowsTheLimitItself() throws {
        let cluster = try SlurmCluster()
        let job = try SlurmJob(on: cluster)
        try job.submit(["--time=1", "--signal=B:USR1@1"])
        try job.waitForCheckpoint()
        let record = try #require(try job.run.status())
        #expect(record.state == .running)
        // What it tells its ranks.
        let environment = try #require(job.processes.ranks[0].flatMap(ProcFile.environment))
        let deadline = try #require(environment["MIO_DEADLINE"].flatMap(Double.init))
        let left = deadline - Date().timeIntervalSince1970
        #expect((1...60).contains(left), "\(left) s left")
    }

    /// Without --requeue, the job ends with 75 and says how to go on.
    @Test func aJobThatMayNotBeRequeuedEndsWith75() throws {
        let cluster = try SlurmCluster()
        let job = try SlurmJob(on: cluster)
        try job.submit(["--no-requeue"])
        try job.waitForCheckpoint()
        try cluster.run(["scancel", "--signal=USR1", "--batch", job.number])
        try cluster.wait(for: job.number, toBe: ["FAILED"])
        #expect(try cluster.facts(of: job.number)["ExitCode"] == "75:0")
        #expect(job.log.contains("To go on: sbatch"), "\(job.log)")
        #expect(try job.run.status()?.state == .stopped)
        #expect(try job.run.lease()?.isReleased == true)
    }

    /// A node without Slurm's commands but `srun`: the script cannot requeue its job, and says how to go on.
    @Test func aNodeWithoutScontrol() throws {
        let cluster = try SlurmCluster()
        let job = try SlurmJob(on: cluster)
        let programs = job.folder.path("bin")
        try FileManager.default.createDirectory(atPath: programs, withIntermediateDirectories: true)
        for name in ["env", "bash", "hostname", "srun"] {
            try FileManager.default.createSymbolicLink(
                atPath: programs + "/" + name, withDestinationPath: "/usr/bin/" + name)
        }
        try job.submit(["--export=ALL,PATH=\(programs)"])
        try job.waitForCheckpoint()
        try cluster.run(["scancel", "--signal=USR1", "--batch", job.number])
        try cluster.wait(for: job.number, toBe: ["FAILED"])
        #expect(try cluster.facts(of: job.number)["ExitCode"] == "75:0")
        #expect(job.log.contains("To go on: sbatch"), "\(job.log)")
        #expect(try job.run.status()?.state == .stopped)
    }

    /// A cancelled job writes its checkpoint and is not requeued. Slurm sends TERM to all of its processes.
    @Test(arguments: ["srun", "mpirun"]) func aCancelledJobLeavesACheckpoint(launcher: String) throws {
        let cluster = try SlurmCluster()
        let job = try SlurmJob(on: cluster)
        try job.submit(environment: ["MIO_LAUNCHER": launcher])
        try job.waitForCheckpoint()
        try cluster.run(["scancel", job.number])
        try cluster.wait(for: job.number, toBe: ["CANCELLED"])
        try waitUntil("nothing is left") { job.processes.areGone }
        try job.wait(for: .stopped, atMost: 10)
        let status = try #require(try job.run.status())
        // The mpirun of Open MPI 5 hears of it too, and gives its ranks a second: an older checkpoint is there in any case.
        let isInTime = try launcher == "srun" || !MPIEnvironment.quietOption().isEmpty
        #expect(isInTime ? status.checkpoint == status.step : status.checkpoint ?? 0 > 0, "\(job.log)")
        #expect(try job.ends().map(\.cause) == [.preemption])
    }

    /// Slurm requeues the job at the moment in which its supervisor starts ranks again.
    @Test func slurmMayRequeueWhileTheRunIsStartedAgain() throws {
        let cluster = try SlurmCluster()
        let job = try SlurmJob(on: cluster)
        try job.submit()
        try job.waitForCheckpoint()
        kill(try #require(job.processes.ranks[1]), SIGKILL)
        try job.wait(for: .restarting, atMost: 20)
        try cluster.run(["scontrol", "requeue", job.number])
        try waitUntil("nothing is left") { job.processes.areGone }
        try cluster.wait(for: job.number, toBe: ["PENDING"])
        try job.letItEnd()
        try cluster.wait(for: job.number, toBe: ["COMPLETED"])
        #expect(try job.weights() == job.undisturbedWeights(), "\(job.log)")
        #expect(try job.ends().first?.cause == .crashed)
        #expect(try job.ends().first?.rank == 1)
    }

    /// The node is down while the run is at work: Slurm puts the job back into the queue by itself.
    @Test func aNodeThatGoesDown() throws {
        let cluster = try SlurmCluster()
        let job = try SlurmJob(on: cluster)
        try job.submit()
        try job.waitForCheckpoint()
        let node = try cluster.run(["sinfo", "--noheader", "--Node", "--format=%N"])
        try cluster.run(["scontrol", "update", "NodeName=\(node)", "State=DOWN", "Reason=test"])
        try cluster.wait(for: job.number, toBe: ["PENDING"])
        try cluster.run(["scontrol", "hold", job.number])
        try waitUntil("nothing is left", atMost: 60) { job.processes.areGone }
        try job.letItEnd()
        // Refused where the node has come back by itself.
        _ = try? cluster.run(["scontrol", "update", "NodeName=\(node)", "State=RESUME"])
        try cluster.run(["scontrol", "release", job.number])
        try cluster.wait(for: job.number, toBe: ["COMPLETED"], atMost: 180)
        #expect(try job.weights() == job.undisturbedWeights(), "\(job.log)")
    }

    /// Slurm has begun the job anew elsewhere, while what it believes to be gone goes on: that ends, and writes nothing more.
    @Test func aRequeuedJobHasTheRun() throws {
        let small = try SlurmJob(on: nil)
        func start(restarts: Int) throws -> SpawnedProcess {
            try SpawnedProcess(
                [
                    "env", "-C", small.folder.path, BuiltProgram.path("mio"), "train", "-n", "2", "job.yaml",
                ],
                environment: [
                    "SLURM_JOB_ID": "77", "SLURM_CLUSTER_NAME": "far", "SLURM_RESTART_COUNT": "\(restarts)",
                    "SLURM_JOBID": "77", "SLURM_NODELIST": ProcessInfo.processInfo.hostName,
                    "SLURM_NNODES": "1",
                    "SLURM_TASKS_PER_NODE": "2",
                    "SLURM_JOB_END_TIME": "\(Int(Date().timeIntervalSince1970) + 3600)",
                ].merging(MPIEnvironment.variables) { $1 })
        }
        let first = try start(restarts: 0)
        try small.waitForCheckpoint()
        let second = try start(restarts: 1)
        let ended = try first.wait(atMost: 30)
        #expect(ended.status == 74, "\(ended.errors)")
        #expect(ended.errors.contains("another supervisor has taken over"), "\(ended.errors)")
        try waitUntil("the second works") {
            try small.run.status()?.attempt == 2 && small.run.status()?.state == .running || !second.isRunning
        }
        second.signal(SIGTERM)
        #expect(try second.wait(atMost: 30).status == 75)
        try small.letItEnd()
        let third = try start(restarts: 1).wait(atMost: 60)
        #expect(third.status == 0, "\(third.errors)")
        #expect(try small.weights() == small.undisturbedWeights())
    }

    /// `sbatch` gave no answer, the run was taken out of the queue, and then the controller took the job after all.
    @Test func aJobOfARunThatWasTakenOutTrainsNothing() throws {
        let small = try SmallJob()
        let folder = RunFolder(small.path("runs/small"))
        var submission = Submission(
            id: "small", name: "small", job: small.path("job.yaml"), ranks: 1, settings: [], by: "somebody")
        submission.requests[0].batch = .init(name: "small.0123abcd")
        submission.requests[0].end = .init(
            exitCode: 75, text: "Taken out of Slurm's queue by somebody.")
        try Folder.create(folder.path)
        try FolderJSON.write(submission, to: Folder.join(folder.path, Submission.name))
        func train(_ name: String) throws -> SpawnedProcess.Outcome {
            try SpawnedProcess(
                ["env", "-C", small.folder.path, BuiltProgram.path("mio"), "train", "-n", "1", "job.yaml"],
                environment: [
                    "SLURM_JOB_ID": "77", "SLURM_JOB_NAME": name, "SLURM_JOB_END_TIME": "9999999999",
                ]
            ).wait(atMost: 60)
        }
        let refused = try train("small.0123abcd")
        #expect(refused.status == 65, "\(refused.errors)")
        #expect(
            refused.errors.contains("Taken out of Slurm's queue by somebody. Its job began all the same"),
            "\(refused.errors)")
        #expect(try folder.status() == nil)
        // Another job may.
        let other = try train("small.89abcdef")
        #expect(other.status == 0, "\(other.errors)")
    }
}
