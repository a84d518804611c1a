import Foundation
import MIOBase
import MIOFiles
import MIOMachine
import MIORunFolder
import MIOSupervision
import MIOSystem
import MIOThreads

/// The looks that a supervisor takes at an attempt, several a second.
final class AttemptLook {
    private unowned let supervisor: RunSupervisor
    private let child: ChildProcess
    private let watch: RankWatch?
    private let began = MonotonicClock.seconds
    private var last = MonotonicClock.seconds
    /// Seconds that this process was at work: a suspended machine does not make anybody late.
    private(set) var seconds = 0.0
    private var beatAt = -1.0
    private var isLate = false
    private var stragglers = StragglerWatch()
    private enum Matter { case launch, hosts, stopped, hang }
    /// What `--report-only` was told of.
    private var reported: Set<Matter> = []
    private var hasNames = false
    private var killedAt: Double?
    var isStopping = false
    /// Why the supervisor has ended the attempt.
    private(set) var decided: RunEnd?
    private(set) var isSuperseded = false

    private static let longestGap = 1.0
    /// After the ranks are gone.
    private static let secondsOfLauncher = 3.0

    init(_ supervisor: RunSupervisor, _ child: ChildProcess, _ watch: RankWatch?) {
        self.supervisor = supervisor
        self.child = child
        self.watch = watch
    }

    func look() {
        let now = MonotonicClock.seconds
        seconds += min(Self.longestGap, now - last)
        last = now
        if seconds - beatAt >= Lease.beatSeconds {
            beatAt = seconds
            if !supervisor.beat(), !isSuperseded {
                isSuperseded = true
                end(RunEnd(.superseded, text: supervisor.superseded().message))
            }
            if supervisor.hosts != nil { mark = supervisor.mark }
        }
        let sights = watch?.look(now: seconds) ?? []
        if let killedAt {
            if seconds - killedAt > Self.secondsOfLauncher { kill(child.process, SIGKILL) }
            return
        }
        lookForLaunch()
        lookAtHosts()
        lookForStopped(sights)
        guard killedAt == nil, let watch else { return }
        if watch.firstDead != nil { endTheRest(sights) }
        if !isStopping, let finding = stragglers.look(sights, host: ProcessName.own.host, now: seconds) {
            Message.write("\(finding.isSlow ? "warning: " : "")\(finding.text)")
            supervisor.note(
                SupervisionEvent(
                    .warning, attempt: supervisor.number, step: finding.step, rank: finding.rank,
                    host: sights.first { $0.rank == finding.rank }?.host ?? ProcessName.own.host,
                    text: finding.text))
        }
        lookForHang(sights, watch)
    }

    /// A launcher ends all ranks when one has died; where it does not, the supervisor does.
    private var deadSince: Double?
    private func endTheRest(_ sights: [RankSight]) {
        let since = deadSince ?? seconds
        deadSince = since
        // mpirun gives the others a second.
        guard seconds - since > Self.secondsOfLauncher else { return }
        kill(child.process, SIGCONT)
        end(nil)
    }

    /// As the run's folder has told it last.
    private var mark = RunHosts.Mark(hasBegun: false, step: 0)

    private var hasBegun = false

    /// A launcher that waits for what never comes.
    private func lookForLaunch() {
        let limit = supervisor.options.launchSeconds
        guard !isStopping, !hasBegun, seconds >= limit else { return }
        hasBegun = watch?.hasBegun == true || supervisor.mark.hasBegun
        if hasBegun { return }
        let text = "no rank has begun \(Int(limit)) s after the launch (--launch-seconds)"
        guard !supervisor.options.reportOnly else {
            if reported.insert(.launch).inserted {
                supervisor.tell(.wouldDo, "would end the launch and start again: \(text)")
            }
            return
        }
        end(RunEnd(.unknown, text: text))
    }

    /// What is stopped, and since when; and when was looked for ranks that have not joined the board.
    private var stopped: (name: String, since: Double)?
    private var searchedAt = -10.0

    /// A launcher that is stopped keeps ranks from ending, and nobody hears of those that die; a rank that is stopped before it
    /// is on the board keeps the others from beginning.
    private func lookForStopped(_ sights: [RankSight]) {
        guard let name = stoppedProcess(sights) else {
            stopped = nil
            return
        }
        let since = stopped.flatMap { $0.name == name ? $0.since : nil } ?? seconds
        stopped = (name, since)
        guard seconds - since >= HangWatch.stoppedSeconds else { return }
        let text = "\(name) has been stopped (SIGSTOP) for \(Int(seconds - since)) s"
        guard !supervisor.options.reportOnly else {
            if reported.insert(.stopped).inserted {
                supervisor.tell(.wouldDo, "would end the ranks and start again: \(text)")
            }
            return
        }
        end(RunEnd(.hang, text: text, host: ProcessName.own.host, step: watch?.stepsDone))
    }

    private func stoppedProcess(_ sights: [RankSight]) -> String? {
        guard child.startsRanks else { return nil }
        if ProcessFacts(of: Int(child.process))?.state == "T" { return supervisor.launcher.rawValue }
        guard supervisor.hosts == nil, let watch, sights.contains(where: { $0.entry == nil }) else {
            return nil
        }
        // All processes of the machine are looked at: not at each look.
        guard seconds - searchedAt >= 2 else { return stopped?.name }
        searchedAt = seconds
        return AttemptProcesses.all(board: watch.board.path).first {
            ProcessFacts(of: $0.process)?.state == "T"
        }.map { "process \($0.process), whose rank has not begun," }
    }

    private func lookAtHosts() {
        guard !isStopping, killedAt == nil, let hosts = supervisor.hosts else { return }
        switch hosts.look(mark, seconds) {
        case .none: break
        case .back(let names): supervisor.regroup(names)
        case .lost(let names, let still):
            let text =
                "\(listed(names, most: 8)) \(names.count == 1 ? "does" : "do") not answer, and the run has stood still for "
                + "\(Int(still)) s"
            guard !supervisor.options.reportOnly else {
                if reported.insert(.hosts).inserted {
                    supervisor.tell(.wouldDo, "would end the ranks and start again without: \(text)")
                }
                return
            }
            end(RunEnd(.hostLost, text: text, host: names[0], step: mark.step))
        }
    }

    /// Buckets and files have their names once the ranks have planned.
    private func nameThings(_ watch: RankWatch) {
        guard !hasNames, watch.hasBegun, let ledger = (try? supervisor.folder.ledger()) ?? nil,
            ledger.attempts.contains(where: { $0.number == supervisor.number && $0.buckets != nil })
        else { return }
        hasNames = true
        watch.name(RunNames(ledger, attempt: supervisor.number))
    }

    private func lookForHang(_ sights: [RankSight], _ watch: RankWatch) {
        if watch.hang.finding(sights, part: 0.5) != nil { nameThings(watch) }
        guard let finding = watch.hang.finding(sights) else {
            if !isLate, !isStopping, let late = watch.hang.finding(sights, part: 0.5) {
                isLate = true
                supervisor.note(
                    SupervisionEvent(
                        .warning, attempt: supervisor.number, step: late.culprit.entry?.stepsDone,
                        rank: late.culprit.rank, text: late.text))
            }
            if isLate, watch.hang.finding(sights, part: 0.5) == nil { isLate = false }
            return
        }
        guard reported.insert(.hang).inserted else { return }
        let evidence = HangEvidence.gather(
            sights, culprit: finding.culprit.rank, board: watch.board,
            continuesStopped: !supervisor.options.reportOnly)
        let path = Folder.join(supervisor.folder.logsPath(attempt: supervisor.number), "hang.txt")
        if (try? Folder.create(Folder.parent(of: path))) != nil {
            try? AtomicFile.write("\(finding.text)\n\n\(evidence)", to: path)
        }
        let entry = finding.culprit.entry
        var found = RunEnd(
            .hang, text: finding.text, rank: finding.culprit.rank,
            host: finding.culprit.host ?? ProcessInfo.processInfo.hostName,
            step: entry?.stepsDone)
        found.operation = entry?.phase.text
        found.shard = finding.shard
        found.bucket = finding.bucket
        if let entry, entry.samples > 0 {
            found.rows =
                "samples \(entry.firstSample) to \(entry.firstSample + entry.samples - 1) of the batch, epoch "
                + "\(entry.epoch + 1)"
        }
        if supervisor.options.reportOnly {
            Message.write("mio: \(finding.text); see \(path)")
            supervisor.note(
                SupervisionEvent(
                    .wouldDo, attempt: supervisor.number, step: entry?.stepsDone, rank: finding.culprit.rank,
                    text: "would end the ranks and start again: \(finding.text)", end: found))
            return
        }
        end(found)
    }

    /// Ends all ranks, and the launcher when they are gone.
    private func end(_ reason: RunEnd?) {
        decided = reason
        killedAt = seconds
        let stuck = watch?.endAll() ?? []
        for sight in stuck {
            let text =
                "rank \(sight.rank), process \(sight.entry?.process ?? 0), cannot be ended: it waits in the kernel; it is "
                + "left alone"
            Message.write("mio: \(text)")
            supervisor.note(
                SupervisionEvent(.warning, attempt: supervisor.number, rank: sight.rank, text: text))
        }
        // It ends by itself without ranks; one that was stopped too cannot. Ranks on other hosts only it can end.
        if supervisor.hosts != nil || watch?.hasBegun != true { kill(child.process, SIGTERM) }
        kill(child.process, SIGCONT)
    }
}
