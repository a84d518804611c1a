import Foundation
import MIOBase
import MIOJob
import MIORun
import MIORunFolder
import Testing

@Suite struct RunDeadlineTests {
    @Test func itLeavesTimeForTwoCheckpointsAndTwoSteps() throws {
        var deadline = RunDeadline(end: 10_000, began: 0)
        // 20 s for a checkpoint that nobody has measured, 5 s of reserve.
        #expect(deadline.secondsBefore == 45)
        deadline.checkpointSeconds = 3
        deadline.stepSeconds = 0.5
        #expect(deadline.secondsBefore == 12)
        #expect(!deadline.isNear(9_987))
        #expect(deadline.isNear(9_988))
    }

    @Test func aShortLimitIsNotNearAtItsStart() {
        let deadline = RunDeadline(end: 40, began: 0)
        #expect(!deadline.isNear(1))
        #expect(deadline.isNear(30))
    }

    @Test func theSupervisorsDeadlineIsTheRanks() throws {
        let told = Supervised(attempt: 2, deadline: 500)
        #expect(RunDeadline(.seconds(60), supervised: told, began: 450)?.end == 500)
        #expect(RunDeadline(.seconds(60), supervised: nil, began: 450)?.end == 510)
        #expect(RunDeadline(.none, supervised: told, began: 450) == nil)
    }

    @Test func errorsBecomeCauses() {
        #expect(EndCause(.diverged, "") == .diverged)
        #expect(EndCause(.missingInput, "") == .badInput)
        let full = FileError(action: "write", path: "/x", reason: String(cString: strerror(ENOSPC)))
        #expect(RunEnd(full, step: 7).cause == .diskFull)
        #expect(RunEnd(full, step: 7).exitCode == 74)
        #expect(RunEnd(full, step: 7).step == 7)
        #expect(EndCause(.inputOutput, String(cString: strerror(EIO))) == .unknown)
    }
}
