import Foundation
import MIOBase
import MIOLaunch
import MIORunFolder
import MIOSupervision
import MIOThreads

/// The hosts of a run: asks them whether they are there, and decides which of them the next attempt has.
final class RunHosts {
    /// Where the next attempt runs.
    typealias Placement = HostLedger.Placement

    private var ledger: HostLedger
    private let inquiry: HostInquiry?
    private let options: SupervisionOptions
    /// Those that are other machines.
    private lazy var others: [String] = {
        let own = OwnMachine.among(ledger.hosts.map(\.name))
        return ledger.hosts.map(\.name).filter { !own.contains($0) }
    }()

    /// - Parameter inquiry: `nil` where nothing can ask them.
    init(_ hosts: HostList, ranks: Int, inquiry: HostInquiry?, options: SupervisionOptions) {
        ledger = HostLedger(
            hosts: hosts.hosts.map { HostLedger.Host(name: $0.name, slots: $0.slots) }, ranks: ranks,
            leastRanks: min(ranks, options.minRanks))
        self.inquiry = inquiry
        self.options = options
    }

    /// - Returns: `nil` where only this machine has ranks, or where it is not known which machines have how many slots.
    convenience init?(
        _ hosts: LaunchLine.Hosts, ranks: Int, launcher: LaunchLine.Launcher, arguments: [String],
        options: SupervisionOptions
    ) {
        let environment = ProcessInfo.processInfo.environment
        func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }
        var inquiry: HostInquiry? = HostInquiry(arguments: arguments, environment: environment)
        let list: HostList?
        switch hosts {
        case .here, .partOfAllocation: return nil
        case .list(let names): list = HostList(list: names)
        case .file(let path): list = text(path).flatMap { HostList(hostfile: $0) }
        case .allocation:
            // Machines that are named behind -- are a part of it, which is not known here.
            if arguments.contains(where: { Self.namesMachines($0, launcher) }) { return nil }
            if BatchJob.current != nil {
                inquiry = .slurm
                list = HostList(slurm: environment)
            } else {
                inquiry = nil
                list =
                    environment["PBS_NODEFILE"].flatMap(text).flatMap { HostList(nodefile: $0) }
                    ?? environment["LSB_MCPU_HOSTS"].flatMap { HostList(lsf: $0) }
            }
        }
        guard let list else { return nil }
        self.init(list, ranks: ranks, inquiry: inquiry, options: options)
    }

    private static func namesMachines(_ argument: String, _ launcher: LaunchLine.Launcher) -> Bool {
        switch launcher {
        case .mpirun: LaunchLine.hostOptions.contains(argument)
        case .srun:
            ["-w", "-x", "-N"].contains { argument.hasPrefix($0) }
                || ["--nodelist", "--nodefile", "--exclude", "--nodes"].contains { argument.hasPrefix($0) }
        }
    }

    /// The machines of a launch that leaves some out.
    static func launchHosts(_ place: Placement, of hosts: LaunchLine.Hosts) -> LaunchLine.Hosts {
        let list = place.hosts.map { "\($0.name):\($0.slots)" }.joined(separator: ",")
        guard hosts == .allocation else { return .list(list) }
        return .partOfAllocation(list: list, count: place.hosts.count, leftOut: place.leftOut)
    }

    // MARK: While an attempt runs

    /// What an attempt shows of itself.
    struct Mark: Equatable {
        var hasBegun: Bool
        var step: Int
    }

    enum Finding {
        /// Hosts that were asked twice, and did not answer, while the run stood still.
        case lost([String], standsStillSeconds: Double)
        /// Hosts that were left out are back.
        case back([String])
    }

    private var mark = Mark(hasBegun: false, step: 0)
    private var markAt = 0.0
    private var askedAt = 0.0
    private var question: HostQuestion?
    private var silentOnce: Set<String> = []
    /// When hosts were told to be back.
    private var backAt: Double?

    func attemptBegins() {
        (mark, markAt, askedAt) = (Mark(hasBegun: false, step: 0), 0, 0)
        (question, silentOnce, backAt) = (nil, [], nil)
    }

    /// Called several times a second.
    /// - Parameter seconds: since the attempt's begin.
    func look(_ mark: Mark, _ seconds: Double) -> Finding? {
        guard let inquiry else { return nil }
        if mark != self.mark { (self.mark, markAt, silentOnce) = (mark, seconds, []) }
        let stillSeconds = seconds - markAt
        if let question {
            guard let answers = question.look() else { return nil }
            self.question = nil
            return heard(answers, stillSeconds)
        }
        let isStill = stillSeconds >= options.hostSeconds
        let looksForReturn = options.rejoinSeconds > 0 && !ledger.lostHosts.isEmpty && mark.step > 0
        let pause = isStill ? options.hostSeconds : options.rejoinSeconds / 5
        // One that was silent is asked again at once.
        guard isStill || looksForReturn, seconds - askedAt >= pause || isStill && !silentOnce.isEmpty else {
            return nil
        }
        askedAt = seconds
        question = HostQuestion(inquiry, hosts: isStill ? others : ledger.lostHosts)
        return nil
    }

    private func heard(_ answers: [String: Bool], _ stillSeconds: Double) -> Finding? {
        let absent = Set(ledger.lostHosts)
        ledger.hear(answers.filter { absent.contains($0.key) }, at: MonotonicClock.seconds)
        // A host that is left out already holds nobody up.
        let silent = Set(answers.filter { !$0.value }.keys).subtracting(absent)
        if stillSeconds >= options.hostSeconds {
            let twice = silent.intersection(silentOnce)
            silentOnce = silent
            ledger.hear(
                Dictionary(uniqueKeysWithValues: twice.map { ($0, false) }), at: MonotonicClock.seconds)
            if !twice.isEmpty { return .lost(twice.sorted(), standsStillSeconds: stillSeconds) }
        }
        let now = MonotonicClock.seconds
        guard options.rejoinSeconds > 0, mark.step > 0,
            backAt.map({ now - $0 >= Self.secondsBetweenRequests }) ?? true
        else { return nil }
        let back = ledger.returning(after: options.rejoinSeconds, at: now)
        // Spare hosts make no more ranks.
        guard !back.isEmpty, (placementWithThoseBack?.ranks ?? 0) > (ledger.placement?.ranks ?? 0) else {
            return nil
        }
        backAt = now
        return .back(back)
    }

    /// A request that somebody else's has replaced is made again.
    private static let secondsBetweenRequests = 300.0

    // MARK: After an attempt

    /// The end with the host that it is due to, where the launcher or a host's silence shows one.
    /// - Parameter mayBeHost: whether a lost host may have ended the attempt so.
    func end(_ end: RunEnd, words: String, mayBeHost: Bool, _ pauses: Pauses) -> RunEnd {
        // What comes counts its seconds from another begin.
        (question, askedAt) = (nil, -.infinity)
        let report = LauncherReport(words)
        var end = end
        if end.cause == .crashed, end.rank == nil, let death = report.death {
            end.rank = death.rank
            end.host = ledger.name(of: death.host) ?? death.host
            if let signal = end.signal {
                end.text = "rank \(death.rank) on \(shown: end.host ?? "") was ended by signal \(signal)"
            }
        }
        // As the user has named it.
        if let host = end.host { end.host = ledger.name(of: host) ?? host }
        // Those were asked already.
        if end.cause == .hostLost { return end }
        let silent = ask(pauses)
        guard mayBeHost else { return end }
        if let lost = silent.first {
            var found = end
            found.cause = .hostLost
            found.host = lost
            found.text =
                "\(listed(silent, most: 8)) \(silent.count == 1 ? "does" : "do") not answer (\(end.text))"
            return found
        }
        if let lost = report.lostHost {
            let name = ledger.name(of: lost)
            end.cause = .hostLost
            end.host = name ?? lost
            end.text = "the connection to \(shown: end.host ?? "") was lost (\(end.text))"
            if let name, inquiry == nil { ledger.lose(name) }
        }
        return end
    }

    /// What a question waits for.
    struct Pauses {
        var isInterrupted: () -> Bool
        var onWait: () -> Void
    }

    /// - Returns: the hosts that were there, or believed to be, and do not answer.
    private func ask(_ pauses: Pauses) -> [String] {
        guard let inquiry else { return [] }
        let before = Set(ledger.lostHosts)
        let answers = HostQuestion(inquiry, hosts: others).wait(
            isInterrupted: pauses.isInterrupted, onWait: pauses.onWait)
        ledger.hear(answers, at: MonotonicClock.seconds)
        return ledger.lostHosts.filter { !before.contains($0) }
    }

    /// A fault that is to be followed by another attempt: it may make its host suspect.
    func failed(_ end: RunEnd, step: Int) { ledger.fail(on: end.host, step: step) }

    /// Looks whether the next attempt can be placed; asks the hosts that are lost again, from time to time.
    func canBePlaced(_ seconds: Double) -> Bool {
        if ledger.placement != nil { return true }
        guard let inquiry else { return false }
        if let answers = question?.look() {
            question = nil
            ledger.hear(answers, at: MonotonicClock.seconds)
        }
        // `next` takes them back, and says so.
        if placementWithThoseBack != nil { return true }
        if question == nil, seconds - askedAt >= Self.secondsBetweenQuestions {
            askedAt = seconds
            question = HostQuestion(inquiry, hosts: ledger.lostHosts)
        }
        return false
    }

    /// Where the next attempt would run with the hosts that answer again.
    private var placementWithThoseBack: Placement? {
        var all = ledger
        _ = all.takeBack(at: MonotonicClock.seconds)
        return all.placement
    }

    /// Whether anything asks hosts that are lost: else one that is left out stays so.
    var canAsk: Bool { inquiry != nil }

    private static let secondsBetweenQuestions = 5.0

    private var told: String?

    /// Hosts that answer again are taken back.
    /// - Returns: the next attempt's place, and a sentence about it if it is another one than before.
    func next() -> (place: Placement?, sentence: String?) {
        let back = ledger.takeBack(at: MonotonicClock.seconds)
        let place = ledger.placement
        let left = ledger.sentence(place)
        defer { told = left }
        guard left != told else { return (place, nil) }
        let again =
            back.isEmpty
            ? nil : "\(listed(back, most: 8, longest: 64)) \(back.count == 1 ? "is" : "are") back"
        let sentences = [
            again, left ?? place.map { "going on with all hosts and \(counted($0.ranks, "rank"))" },
        ]
        return (place, sentences.compactMap(\.self).joined(separator: "; "))
    }

    /// Whether there are slots enough without the hosts that are lost.
    var havePlace: Bool { ledger.placement != nil }

    /// Whether the next attempt runs where the user has said.
    var isWhole: Bool { ledger.placement?.leftOut.isEmpty ?? false }
}
