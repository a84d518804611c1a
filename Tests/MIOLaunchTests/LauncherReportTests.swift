import MIOLaunch
import Testing

@Suite struct LauncherReportTests {
    @Test(arguments: ["ORTE", "PRTE"]) func aLostDaemonNamesItsHost(program: String) {
        let report = LauncherReport(
            """
            epoch 3
            --------------------------------------------------------------------------
            \(program) has lost communication with a remote daemon.

              HNP daemon   : [[29459,0],0] on node vm
              Remote daemon: [[29459,0],2] on node node2.cluster

            This is usually due to either a failure of the TCP network
            """)
        #expect(report.lostHost == "node2.cluster")
        #expect(report.death == nil)
    }

    @Test func aRankThatDiedNamesItsHost() {
        let older = LauncherReport(
            "mpirun noticed that process rank 1 with PID 8426 on node node2 exited on signal 9 (Killed).\n")
        #expect(older.death == LauncherReport.Death(rank: 1, host: "node2"))
        let newer = LauncherReport(
            "prterun noticed that process rank 12 with PID 18844 on node vm exited on\nsignal 9 (Killed).\n")
        #expect(newer.death == LauncherReport.Death(rank: 12, host: "vm"))
        #expect(newer.lostHost == nil)
        let slurm = LauncherReport("srun: error: n7: tasks 3-4: Killed\n")
        #expect(slurm.death == LauncherReport.Death(rank: 3, host: "n7"))
    }

    @Test func whatCannotBeReachedIsNamed() {
        #expect(LauncherReport("ssh: connect to host n3 port 22: Connection timed out\r\n").lostHost == "n3")
        #expect(
            LauncherReport("ssh: Could not resolve hostname n4: Name or service not known\n").lostHost == "n4"
        )
        #expect(LauncherReport("srun: error: Node failure on n5\n").lostHost == "n5")
        #expect(LauncherReport("srun: error: Node failure on n6").lostHost == "n6")
    }

    @Test(arguments: [
        "", "ssh: connect to host", "lost communication with a remote daemon.",
        "srun: error: n1: tasks : Killed",
        "mpirun noticed that process rank",
    ]) func whatNamesNothing(words: String) {
        #expect(LauncherReport(words).lostHost == nil)
        #expect(LauncherReport(words).death == nil)
    }

    @Test func aLostPeerIsHeard() {
        let words = """
            An MPI communication peer process has unexpectedly disconnected.  This
            usually indicates a failure in the peer process (e.g., a crash or
            otherwise exiting without calling MPI_FINALIZE first).
            """
        #expect(LauncherReport(words).hasLostPeer)
        #expect(!LauncherReport("mpirun ended").hasLostPeer)
    }
}
