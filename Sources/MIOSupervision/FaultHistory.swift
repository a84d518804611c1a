import MIOBase
import MIORunFolder

/// What the attempts of a run ended with, and what that means for the next.
package struct FaultHistory: Sendable {
    /// An attempt that failed.
    package struct Fault: Hashable, Sendable {
        package var end: RunEnd
        /// Steps done at its end.
        package var step: Int
        /// The checkpoint that it began from; `nil` for the start.
        package var from: Int?
        /// The newest checkpoint at its end.
        package var newest: Int?

        package init(end: RunEnd, step: Int, from: Int?, newest: Int?) {
            self.end = end
            self.step = step
            self.from = from
            self.newest = newest
        }

        /// It carried the run forward: there is a newer checkpoint.
        package var hasProgressed: Bool { (newest ?? -1) > (from ?? -1) }

        /// Whether something outside of the run may have ended it: somebody's SIGKILL, a machine.
        fileprivate var mayBeFromOutside: Bool {
            switch end.cause {
            case .hostLost, .unknown: true
            case .crashed: [9, 15, 1, 2, 3].contains(end.signal ?? 9)
            default: false
            }
        }
    }

    package enum Decision: Hashable, Sendable {
        case tryAgain
        /// Set this checkpoint aside, and try from the one before it.
        case setAside(Int)
        /// Trying again would not help; the sentence says why.
        case noProgress(String)
    }

    /// The last ones without progress.
    private var fruitless: [Fault] = []
    private var hasSetAside = false

    /// A fault of the run's own comes again; one from outside that hits the same step again and again is unlikely.
    private static let mostOfOwn = 3
    private static let mostFromOutside = 8
    /// As often a checkpoint may carry nothing forward.
    private static let mostOfCheckpoint = 2

    package init() {}

    /// - Parameter hasOlder: whether there is a checkpoint before the one that the attempt began from.
    package mutating func decide(_ fault: Fault, hasOlder: Bool) -> Decision {
        if fault.hasProgressed || fruitless.last.map({ fault.step > $0.step }) ?? false {
            fruitless = []
            hasSetAside = false
        }
        if fault.hasProgressed { return .tryAgain }
        fruitless.append(fault)
        let same = fruitless.suffix(while: {
            $0.step == fault.step && $0.end.cause == fault.end.cause
                && $0.end.signal == fault.end.signal
        })
        let most = fault.mayBeFromOutside ? Self.mostFromOutside : Self.mostOfOwn
        if same.count >= most { return .noProgress(Self.sentence(fault, times: same.count)) }
        if !hasSetAside, !fault.mayBeFromOutside, hasOlder, let from = fault.from,
            fruitless.suffix(while: { $0.from == from }).count >= Self.mostOfCheckpoint
        {
            hasSetAside = true
            return .setAside(from)
        }
        return .tryAgain
    }

    private static func sentence(_ fault: Fault, times: Int) -> String {
        let end = fault.end
        var text = "the same fault \(times) times without progress, at step \(fault.step + 1)"
        if let rank = end.rank { text += " on rank \(rank)" }
        if let host = end.host { text += " (\(host))" }
        if let operation = end.operation { text += ", \(operation)" }
        if let shard = end.shard { text += ", shard \(shard)" }
        if let rows = end.rows { text += ", \(rows)" }
        return text + ": \(end.text). Trying again would not help: correct the cause, then run again"
    }
}

extension Array {
    /// The longest end of the array of which all elements are so.
    fileprivate func suffix(while isWanted: (Element) -> Bool) -> ArraySlice<Element> {
        self[(lastIndex { !isWanted($0) }.map { $0 + 1 } ?? startIndex)...]
    }
}
