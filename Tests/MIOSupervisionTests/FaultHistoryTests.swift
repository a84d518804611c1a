import MIORunFolder
import MIOSupervision
import Testing

@Suite struct FaultHistoryTests {
    private func fault(
        _ cause: EndCause = .crashed, signal: Int? = 11, step: Int, from: Int? = 100, newest: Int? = 100
    ) -> FaultHistory.Fault {
        FaultHistory.Fault(
            end: RunEnd(
                cause, text: "rank 3 was ended by signal 11", signal: signal, rank: 3, host: "node-7",
                operation: "computing", rows: "samples 0 to 7 of the batch, epoch 2"),
            step: step, from: from, newest: newest)
    }

    @Test func theSameFaultThreeTimesIsNoProgress() {
        var history = FaultHistory()
        #expect(history.decide(fault(step: 117), hasOlder: false) == .tryAgain)
        #expect(history.decide(fault(step: 117), hasOlder: false) == .tryAgain)
        guard case .noProgress(let text) = history.decide(fault(step: 117), hasOlder: false) else {
            Issue.record("it goes on for ever")
            return
        }
        #expect(
            text.contains(
                "the same fault 3 times without progress, at step 118 on rank 3 (node-7), computing"))
        #expect(text.contains("samples 0 to 7 of the batch, epoch 2"))
    }

    @Test func faultsAtOtherStepsAreOtherFaults() {
        var history = FaultHistory()
        for step in [117, 112, 105, 104, 103] {
            #expect(history.decide(fault(step: step), hasOlder: false) == .tryAgain)
        }
    }

    @Test func aNewCheckpointIsProgress() {
        var history = FaultHistory()
        for round in 0..<20 {
            #expect(
                history.decide(
                    fault(step: 100 * round + 150, from: 100 * round, newest: 100 * round + 100),
                    hasOlder: true)
                    == .tryAgain)
        }
    }

    @Test func aCheckpointThatCarriedNothingTwiceIsSetAside() {
        var history = FaultHistory()
        #expect(history.decide(fault(step: 117), hasOlder: true) == .tryAgain)
        #expect(history.decide(fault(step: 117), hasOlder: true) == .setAside(100))
        // The one before it leads to the same step: the checkpoint was not the cause.
        guard case .noProgress = history.decide(fault(step: 117, from: 50, newest: 50), hasOlder: true) else {
            Issue.record("it goes on for ever")
            return
        }
    }

    @Test func afterItTheRunMayGoFurther() {
        var history = FaultHistory()
        _ = history.decide(fault(step: 117), hasOlder: true)
        #expect(history.decide(fault(step: 117), hasOlder: true) == .setAside(100))
        #expect(history.decide(fault(step: 230, from: 50, newest: 200), hasOlder: true) == .tryAgain)
        #expect(history.decide(fault(step: 210, from: 200, newest: 200), hasOlder: true) == .tryAgain)
        #expect(history.decide(fault(step: 210, from: 200, newest: 200), hasOlder: true) == .setAside(200))
    }

    @Test func killsFromOutsideSetNothingAside() {
        var history = FaultHistory()
        for _ in 0..<7 {
            #expect(
                history.decide(fault(signal: 9, step: 0, from: nil, newest: nil), hasOlder: true) == .tryAgain
            )
        }
        guard
            case .noProgress = history.decide(
                fault(signal: 9, step: 0, from: nil, newest: nil), hasOlder: true)
        else {
            Issue.record("it goes on for ever")
            return
        }
    }

    @Test func restartsAreCountedAndComeBack() {
        var budget = RestartBudget(capacity: 3)
        #expect(budget.restart() == 0.5)
        #expect(budget.restart() == 1)
        #expect(budget.restart() == 2)
        #expect(budget.restart() == nil)
        budget.healthy(seconds: 3600, hasProgressed: false)
        #expect(budget.restart() == nil)
        budget.healthy(seconds: 700, hasProgressed: true)
        #expect(budget.restart() == 0.5)
        #expect(budget.restart() == nil)
        budget.healthy(seconds: 1e6, hasProgressed: true)
        #expect((0..<4).map { _ in budget.restart() != nil } == [true, true, true, false])
        var patient = RestartBudget(capacity: 20)
        #expect((0..<20).compactMap { _ in patient.restart() }.max() == 60)
    }

    @Test func theKernelsCountIsRead() {
        #expect(OutOfMemory.count(in: "low 0\nhigh 3\nmax 9\noom 2\noom_kill 4\n") == 4)
        #expect(OutOfMemory.count(in: "low 0\n") == nil)
        #expect(OutOfMemory.count(in: "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n") == 2)
        #expect(
            OutOfMemory.paths(groups: "9:name=systemd:/\n4:cpu,memory:/jobs/7\n0::/\nodd\n").prefix(2) == [
                "/sys/fs/cgroup/memory/jobs/7/memory.oom_control", "/sys/fs/cgroup//memory.events",
            ])
    }
}
