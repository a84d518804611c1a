import MIOBase
import MIOFiles
import MIORunFolder
import MIOSystem
import MIOThreads
import Synchronization

/// Whether this process was asked to stop: SIGUSR1 or SIGTERM, once, politely.
///
/// The step asks `listen`; all ranks then agree on the step after which they checkpoint. A process may wait for something
/// that never comes: a rank that stands still, a file system. Where nothing goes on for as long as `StopPatience` says, it
/// ends by itself: with `ExitCode.stopped` before the end of the first step, which loses nothing, else like after a second
/// SIGTERM, which ends it at once.
package enum StopSignal {
    /// What this process does, for the message about where it waited.
    package enum Activity: Int {
        case computing, waitingForData, waitingForRanks, validating

        var phase: ProgressBoard.Phase {
            switch self {
            case .computing: .computing
            case .waitingForData: .waitingForData
            case .waitingForRanks: .waitingForRanks
            case .validating: .validating
            }
        }
    }

    /// Times are `MonotonicClock.nanoseconds`. 0 before there is a request.
    private static let requestedAt = Atomic<UInt64>(0)
    /// When a step asked last; 0 before the first did.
    private static let progressAt = Atomic<UInt64>(0)
    /// When the first SIGTERM came; 0 before.
    private static let terminatedAt = Atomic<UInt64>(0)
    /// SIGTERMs that come so close to the first are one request: a batch system that cancels a job sends one to the ranks and
    /// one to `mpirun`, which sends them its own.
    package static let nanosecondsOfOneRequest: UInt64 = 500_000_000
    /// 1 + the place of the cause among all, where somebody named it.
    private static let askedCause = Atomic<Int>(0)
    /// The bits of `StopPatience.recentStepSeconds`.
    private static let recentStep = Atomic<UInt64>(0)
    /// So many more steps may have to wait until rank 0 has written a checkpoint.
    private static let stepsOfWriting = Atomic<Int>(0)
    private static let activity = Atomic<Int>(Activity.computing.rawValue)
    private static let stepsDone = Atomic<Int>(0)
    /// −1 for a process that is alone.
    private static let rank = Atomic<Int>(-1)
    /// The exit code that all ranks agreed on; −1 before they did.
    private static let agreedCode = Atomic<Int>(-1)
    private static let text = SignalText()

    /// Takes over both signals, and ignores two others: a reader that goes away must not end a run (SIGPIPE), and a file
    /// that may not grow (`ulimit -f`) must end it with a message (SIGXFSZ).
    /// - Parameter rank: of this process; `nil` if it is alone.
    package static func install(rank: Int?) {
        Self.rank.store(rank ?? -1, ordering: .relaxed)
        // A handler may not be the first to use it.
        _ = text
        for number in [SIGUSR1, SIGTERM] {
            var action = sigaction()
            action.handler = { StopSignal.request($0) }
            action.sa_flags = SA_RESTART
            sigaction(number, &action, nil)
        }
        signal(SIGALRM) { _ in StopSignal.look() }
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        MappedFiles.reportLosses()
        // Ctrl-\ ends a program, and is no crash for Swift to explain.
        signal(SIGQUIT, SIG_DFL)
        // Whoever started this process may have held them back until now.
        var set = sigset_t()
        sigemptyset(&set)
        for number in [SIGUSR1, SIGTERM, SIGALRM] { sigaddset(&set, number) }
        sigprocmask(SIG_UNBLOCK, &set, nil)
    }

    /// Takes the signals over while `body` runs, and gives them back to the program that calls it.
    package static func whileInstalled<Value>(rank: Int?, _ body: () throws -> Value) rethrows -> Value {
        let signals = [SIGUSR1, SIGTERM, SIGALRM, SIGPIPE, SIGXFSZ, SIGQUIT]
        var earlier = signals.map { _ in sigaction() }
        for (index, number) in signals.enumerated() { sigaction(number, nil, &earlier[index]) }
        install(rank: rank)
        defer {
            alarm(0)
            for (index, number) in signals.enumerated() { sigaction(number, &earlier[index], nil) }
            requestedAt.store(0, ordering: .relaxed)
            progressAt.store(0, ordering: .relaxed)
            recentStep.store(0, ordering: .relaxed)
            terminatedAt.store(0, ordering: .relaxed)
            askedCause.store(0, ordering: .relaxed)
            stepsOfWriting.store(0, ordering: .relaxed)
            stepsDone.store(0, ordering: .relaxed)
            agreedCode.store(-1, ordering: .relaxed)
        }
        return try body()
    }

    /// How long steps take: the longest of the last ones.
    static var recentStepSeconds: Double { Double(bitPattern: recentStep.load(ordering: .relaxed)) }

    package static var isRequested: Bool { requestedAt.load(ordering: .relaxed) != 0 }

    /// Asks this process to stop, as the first signal does.
    /// - Parameter cause: why the run will have ended.
    package static func ask(_ cause: EndCause) {
        guard let place = EndCause.allCases.firstIndex(of: cause) else { return }
        _ = askedCause.compareExchange(expected: 0, desired: place + 1, ordering: .relaxed)
        request(SIGUSR1)
    }

    /// Why the run was asked to stop: as `ask` was told; a signal alone does not tell more than that somebody wants it.
    package static var cause: EndCause {
        let place = askedCause.load(ordering: .relaxed)
        return place > 0 ? EndCause.allCases[place - 1] : .stoppedByUser
    }

    // MARK: What a run tells

    /// What a step, or a batch of validation, asks, just before the ranks agree: from the first time on, a request waits
    /// for its end.
    package static func listen() -> Bool {
        RankProgress.goesOn()
        let now = MonotonicClock.nanoseconds
        let before = progressAt.exchange(now, ordering: .relaxed)
        if before != 0 {
            let longest = RecentSteps.longest(
                before: Double(bitPattern: recentStep.load(ordering: .relaxed)),
                next: Double(now - before) * 1e-9)
            recentStep.store(longest.bitPattern, ordering: .relaxed)
        }
        let writing = stepsOfWriting.load(ordering: .relaxed)
        if writing > 0, writing < .max {
            // Rank 0 knows that it does not wait for a checkpoint now.
            stepsOfWriting.store(rank.load(ordering: .relaxed) > 0 ? writing - 1 : 0, ordering: .relaxed)
        }
        return isRequested
    }

    /// What this process does from now on.
    static func does(_ new: Activity) {
        activity.store(new.rawValue, ordering: .relaxed)
        RankProgress.does(new.phase)
    }

    static func ended(step: Int) {
        stepsDone.store(step, ordering: .relaxed)
        RankProgress.ended(step: step)
        does(.computing)
    }

    /// Rank 0 hands over a checkpoint, and first waits for the one before: the step after it may be waited for.
    static func writesCheckpoint() {
        stepsOfWriting.store(2, ordering: .relaxed)
        RankProgress.does(.writing)
    }

    /// There are no more steps: what is left is to write.
    static func finishes() {
        stepsOfWriting.store(.max, ordering: .relaxed)
        RankProgress.does(.finishing)
    }

    /// All ranks agreed how they end, and have told it: the launcher, which asks the last ones to stop as soon as the first
    /// has gone, gets that code from a rank that is slow to go, and no message.
    package static func ends(with code: ExitCode) { agreedCode.store(Int(code.rawValue), ordering: .relaxed) }

    // MARK: The handlers. They use atomics, the clock, alarm, write and _exit, and allocate nothing.

    private static func request(_ number: Int32) {
        let now = MonotonicClock.nanoseconds
        let isFirst =
            requestedAt.compareExchange(expected: 0, desired: now, ordering: .relaxed).exchanged
        if number == SIGTERM {
            let first = terminatedAt.compareExchange(expected: 0, desired: now, ordering: .relaxed).original
            let isSecond = first != 0 && now > first && now - first >= nanosecondsOfOneRequest
            let agreed = agreedCode.load(ordering: .relaxed)
            if isSecond, agreed >= 0 { _exit(Int32(agreed)) }
            // A launcher ends the ranks after one of them has said that it waits no longer.
            if isSecond || !isFirst && (isOverdue(now, turn: false) || phase == .starting) {
                _exit(128 + SIGTERM)
            }
        }
        if isFirst { alarm(1) }
    }

    private static var phase: StopPatience.Phase {
        if progressAt.load(ordering: .relaxed) == 0 { return .starting }
        return stepsOfWriting.load(ordering: .relaxed) > 0 ? .writing : .stepping
    }

    private static var patience: StopPatience {
        let rank = rank.load(ordering: .relaxed)
        return StopPatience(
            phase: phase, rank: rank < 0 ? nil : rank,
            recentStepSeconds: Double(bitPattern: recentStep.load(ordering: .relaxed)))
    }

    private static func isOverdue(_ now: UInt64, turn: Bool) -> Bool {
        let start = max(requestedAt.load(ordering: .relaxed), progressAt.load(ordering: .relaxed))
        // The other handler, or a step, may be later than this one's clock.
        guard now > start else { return false }
        return Double(now - start) * 1e-9 >= (turn ? patience.seconds : patience.limit)
    }

    /// Each second after a request.
    private static func look() {
        guard isRequested else { return }
        guard isOverdue(MonotonicClock.nanoseconds, turn: true) else {
            alarm(1)
            return
        }
        let agreed = agreedCode.load(ordering: .relaxed)
        if agreed >= 0 { _exit(Int32(agreed)) }
        let patience = patience
        if patience.phase == .starting {
            text.add("stopped before the end of the first step; run again to continue\n")
            text.flush()
            _exit(ExitCode.stopped.rawValue)
        }
        let activity = Activity(rawValue: activity.load(ordering: .relaxed)) ?? .computing
        text.describe(patience, activity, stepsDone: stepsDone.load(ordering: .relaxed))
        text.flush()
        _exit(128 + SIGTERM)
    }
}

extension SignalText {
    /// Why a process that was asked to stop does not wait any longer, and what is left.
    package func describe(_ patience: StopPatience, _ activity: StopSignal.Activity, stepsDone: Int) {
        add("mio: ")
        if let rank = patience.rank {
            add("rank ")
            add(rank)
            add(": ")
        }
        let seconds = Int(patience.limit.rounded(.up))
        if patience.phase == .writing {
            add("what was to be written to the run directory was not there ")
            add(seconds)
            add(" s after the request to stop; see whether its file system answers")
        } else {
            add(activity == .validating ? "the validation after step " : "step ")
            add(activity == .validating ? stepsDone : stepsDone + 1)
            add(" did not go on within ")
            add(seconds)
            add(" s after the request to stop: ")
            switch activity {
            case .computing: add("it was computing")
            case .waitingForData: add("it waited for data; see whether the data's file system answers")
            case .waitingForRanks where patience.rank != nil, .validating where patience.rank != nil:
                add("it waited for the other ranks; see whether one of them stands still")
            case .waitingForRanks, .validating: add("it waited for its threads or data")
            }
        }
        add(
            ". Ended without a checkpoint of the last steps; run again to continue from the newest checkpoint\n"
        )
    }
}
