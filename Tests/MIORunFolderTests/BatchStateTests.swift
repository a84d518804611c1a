import Foundation
import MIOBase
import MIORunFolder
import TestFolders
import Testing

/// What Slurm knows better than a run's own files.
@Suite struct BatchStateTests {
    private static let began = Timestamp(seconds: 1_796_005_000)

    private func at(_ seconds: Double) -> Timestamp { Timestamp(seconds: Self.began.seconds + seconds) }

    private func status(_ state: RunStatus.State) -> RunStatus {
        RunStatus(state: state, attempt: 1, began: Self.began, heartbeat: Self.began)
    }

    private func lease(_ job: String?, isReleased: Bool = false) -> Lease {
        Lease(
            generation: 1, heartbeat: at(10), isReleased: isReleased,
            batchJob: job.flatMap {
                BatchJob(environment: ["SLURM_JOB_ID": $0, "SLURM_CLUSTER_NAME": "far"])
            })
    }

    private func batch(_ state: String, seen seconds: Double, job: String? = "7") -> BatchState {
        BatchState(job: job, state: state, reason: "Priority", seen: at(seconds))
    }

    @Test func aQueuedJobsRunWaits() {
        for state in ["PENDING", "REQUEUED", "REQUEUE_HOLD", "SPECIAL_EXIT"] {
            #expect(batch(state, seen: 20).verdict(status(.stopped), lease("7", isReleased: true)) == .waits)
            #expect(batch(state, seen: 20).verdict(status(.running), lease("7")) == .waits)
        }
        #expect(batch("PENDING", seen: 20).verdict(status(.finished), lease("7", isReleased: true)) == nil)
    }

    @Test func anEndedJobsRunIsOver() {
        for state in ["NODE_FAIL", "CANCELLED", "TIMEOUT", "FAILED", BatchState.forgotten] {
            #expect(batch(state, seen: 20).verdict(status(.running), lease("7")) == .isOver)
            // It has given the run up: its files say how.
            #expect(batch(state, seen: 20).verdict(status(.stopped), lease("7", isReleased: true)) == nil)
        }
        #expect(batch("COMPLETED", seen: 20).verdict(status(.finished), lease("7")) == nil)
        for state in ["RUNNING", "COMPLETING", "CONFIGURING", "A_LATER_WORD"] {
            #expect(batch(state, seen: 20).verdict(status(.running), lease("7")) == nil)
        }
    }

    @Test func newerFilesAndOtherJobsCount() {
        #expect(batch("NODE_FAIL", seen: 5).verdict(status(.running), lease("7")) == nil)
        #expect(batch("PENDING", seen: 5).verdict(status(.stopped), lease("7", isReleased: true)) == nil)
        #expect(batch("NODE_FAIL", seen: 20).verdict(status(.running), lease("8")) == nil)
        #expect(batch("NODE_FAIL", seen: 20).verdict(status(.running), lease(nil)) == nil)
        #expect(batch("NODE_FAIL", seen: 20).verdict(status(.running), nil) == nil)
        #expect(batch(BatchState.submitting, seen: 20, job: nil).verdict(status(.running), lease("7")) == nil)
    }

    @Test func sameWordsAtAnotherTime() {
        #expect(batch("PENDING", seen: 1).says(batch("PENDING", seen: 2)))
        #expect(!batch("PENDING", seen: 1).says(batch("RUNNING", seen: 1)))
        #expect(batch("PENDING", seen: 1).text == "PENDING (Priority)")
        // What a scheduler answers cannot forge a line.
        #expect(BatchState(job: "7", state: "PENDING", reason: "a\nb").text == "PENDING (a\\nb)")
    }

    @Test func isAFileOfTheFolder() throws {
        let temporary = try TemporaryFolder()
        let folder = RunFolder(temporary.path)
        #expect(try folder.batchState() == nil)
        let state = batch("PENDING", seen: 3)
        try FolderJSON.write(state, to: temporary.path(BatchState.name))
        #expect(try folder.batchState() == state)
        try folder.write(status(.stopped))
        try FolderJSON.write(lease("7", isReleased: true), to: folder.leasePath)
        var submission = Submission(
            id: "a", name: "a", job: "/job.yaml", ranks: 1, settings: [], by: "me", time: Self.began)
        submission.requests[0].batch = Submission.Batch(name: "a.00000000", job: "7")
        try FolderJSON.write(submission, to: temporary.path(Submission.name))
        // Written before it was stopped.
        #expect(RunView(folder).state == .known(.stopped))
        try FolderJSON.write(batch("PENDING", seen: 20), to: temporary.path(BatchState.name))
        #expect(RunView(folder).state == .known(.waiting))
    }
}
