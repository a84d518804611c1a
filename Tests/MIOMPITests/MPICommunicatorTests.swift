import Foundation
import ProcessSupport
import TestFolders
import Testing

/// One after the other: each starts several processes.
@Suite(.serialized) struct MPICommunicatorTests {
    @Test(arguments: 1...4) func conforms(ranks: Int) throws {
        let run = try MPIRun(ranks: ranks, ["conformance"])
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.output == "38 checks passed on \(ranks) ranks over MPI\n")
    }

    /// Three elements a call: what happens to counts beyond 2^31 - 1, in small.
    @Test(arguments: 1...4) func conformsWhenCountsAreCut(ranks: Int) throws {
        let run = try MPIRun(ranks: ranks, ["conformance", "3"])
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.output == "38 checks passed on \(ranks) ranks over MPI\n")
    }

    /// As if on several machines: their ranks share no memory, and what they sum travels.
    @Test(arguments: [(2, 1), (4, 2), (4, 1)]) func conformsInGroups(ranks: Int, ofEachGroup: Int) throws {
        let run = try MPIRun(ranks: ranks, ["conformance", "3"], ranksPerGroup: "\(ofEachGroup)")
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.output == "38 checks passed on \(ranks) ranks over MPI\n")
    }

    @Test(arguments: [2, 4]) func sumsBetweenGroupsMoveWithoutTheirCaller(ranks: Int) throws {
        let run = try MPIRun(ranks: ranks, ["unattended"], ranksPerGroup: "1")
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.output == "any complete right\ntree complete right\nbfloat16 complete right\n")
    }

    @Test(arguments: ["0", "two", "2x"]) func groupsThatDoNotDivideAMachineAreRefused(size: String) throws {
        let run = try MPIRun(ranks: 2, ["conformance"], ranksPerGroup: size)
        #expect(run.status == 64)
        #expect(
            run.messages == [
                "error: MIO_RANKS_PER_GROUP: expected a number that divides the 2 ranks of rank 0's machine, "
                    + "received \"\(size)\"; correct or unset it"
            ])
    }

    /// As if mpirun had not handed the variable to another machine.
    @Test func groupsThatNotAllRanksKnowOfAreRefused() throws {
        let run = try MPIRun(
            ranks: 3, [],
            shell: "[ $OMPI_COMM_WORLD_RANK = 2 ] && unset MIO_RANKS_PER_GROUP; exec \"$0\" conformance",
            ranksPerGroup: "3")
        #expect(run.status == 64)
        #expect(
            run.messages == [
                "error: MIO_RANKS_PER_GROUP is not the same on ranks 0 and 2: launch all ranks with it "
                    + "(mpirun -x MIO_RANKS_PER_GROUP), or none"
            ])
    }

    @Test func aFailureOnOneRankIsOneMessageAndOneExitCode() throws {
        let run = try MPIRun(ranks: 3, ["agreed-failure"])
        #expect(run.status == 65)
        #expect(run.messages == ["error: rank 1: train-1.npz: truncated"])
        #expect(run.output == "")
    }

    /// Files of rank 0, which makes the memory, may have 64 MiB, or 128 by some shells' count: enough for MPI's own.
    @Test func memoryThatARankCannotHaveIsOneMessage() throws {
        let run = try MPIRun(
            ranks: 3, [],
            shell: "trap '' XFSZ; [ $OMPI_COMM_WORLD_RANK = 0 ] && ulimit -f 131072; exec \"$0\" memory")
        #expect(run.status == 74)
        #expect(
            run.messages == [
                "error: rank 0: making shared memory of 268435456 bytes: File too large; free some memory, or use "
                    + "fewer ranks a machine"
            ])
    }

    @Test func allRanksEndWithTheSameExitCode() throws {
        // The shell ends with 0, so that mpirun stops nobody and every rank's own code is seen.
        let run = try MPIRun(ranks: 3, [], shell: "\"$0\" agreed-failure; echo \"code $?\"")
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.output == "code 65\ncode 65\ncode 65\n")
    }

    @Test func abortEndsRanksThatWait() throws {
        let run = try MPIRun(ranks: 3, ["abort"])
        #expect(run.status == 74)
    }

    /// Nobody would be left to start MPI with.
    @Test func ranksThatOutliveTheirLauncherBeforeTheyStartEnd() throws {
        let folder = try TemporaryFolder()
        let launcher = try SpawnedProcess(
            [
                "mpirun", "-n", "2", "sh", "-c",
                "echo $$ > \"$1/.$OMPI_COMM_WORLD_RANK\"; mv \"$1/.$OMPI_COMM_WORLD_RANK\" \"$1/$$\"; "
                    + "trap '' TERM; sleep 1; exec \"$0\" conformance",
                BuiltProgram.path("mio-communication-check"), folder.path,
            ], environment: MPIEnvironment.variables)
        try waitUntil("both ranks") { try folder.names().filter { Int32($0) != nil }.count == 2 }
        let ranks = try folder.names().compactMap { Int32($0) }
        launcher.signal(SIGKILL)
        #expect(try launcher.wait(atMost: 20).status == 128 + SIGKILL)
        try waitUntil("the end of ranks without a launcher") { !ranks.contains { isAlive($0) } }
    }

    @Test func anErrorNamesTheCallTheRankAndTheReason() throws {
        let run = try MPIRun(ranks: 2, ["truncation"])
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.output == "MPI_Bcast failed on rank 1: MPI_ERR_TRUNCATE: message truncated\n")
    }

    @Test func mpiStartsOnceAProcess() throws {
        let run = try MPIRun(ranks: 1, ["twice"])
        #expect(run.status == 0, "\(run.errors)")
        #expect(
            run.output == "MPI_Init_thread failed: MPI was started before: a process can start it once\n")
    }

    @Test func knowsWhetherALauncherStartedIt() throws {
        #expect(try MPIRun(ranks: 2, ["launched"]).output == "true\ntrue\n")
        #expect(try MPIRun(alone: ["launched"]).output == "false\n")
        // A batch script's own process, and one task of srun, are alone; one of several tasks is not.
        #expect(try MPIRun(alone: ["launched"], adding: ["SLURM_PROCID": "0"]).output == "false\n")
        #expect(try MPIRun(alone: ["launched"], adding: ["SLURM_STEP_NUM_TASKS": "1"]).output == "false\n")
        #expect(try MPIRun(alone: ["launched"], adding: ["SLURM_STEP_NUM_TASKS": "4"]).output == "true\n")
    }

    @Test func mpirunWithinATaskOfSrunIsARunOfItsOwn() throws {
        let run = try MPIRun(ranks: 1, [], shell: "SLURM_STEP_NUM_TASKS=4 \"$0\" conformance")
        #expect(run.output == "38 checks passed on 1 ranks over MPI\n", "\(run.errors)")
    }

    @Test func tasksThatMPIDoesNotJoinAreRefused() throws {
        let run = try MPIRun(alone: ["conformance"], adding: ["SLURM_STEP_NUM_TASKS": "4"])
        #expect(run.status == 74)
        #expect(
            run.errors.contains(
                "error: MPI_Init_thread failed on rank 0: srun started 4 tasks, but MPI joins none of them: "
                    + "add --mpi=pmix to srun, or start the ranks with mpirun"))
    }
}
