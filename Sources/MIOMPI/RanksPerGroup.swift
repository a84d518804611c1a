import MIOBase
import MIOSystem

/// The most ranks of a group, where it is not all of a machine: the ranks of one memory of several, for one. What a
/// rank finds in the environment variable `MIO_RANKS_PER_GROUP`.
enum RanksPerGroup: Hashable {
    case unset
    /// Not a whole number above 0.
    case unreadable
    case atMost(Int)

    static let variable = "MIO_RANKS_PER_GROUP"

    static var text: String? { getenv(variable).map { String(cString: $0) } }

    static var environment: RanksPerGroup {
        guard let text else { return .unset }
        guard let count = Int(text), count > 0 else { return .unreadable }
        return .atMost(count)
    }

    /// As ranks tell each other.
    init(number: Int64) {
        self = number == 0 ? .unset : number < 0 ? .unreadable : .atMost(Int(number))
    }

    var number: Int64 {
        switch self {
        case .unset: 0
        case .unreadable: -1
        case .atMost(let count): Int64(count)
        }
    }

    var limit: Int? { if case .atMost(let count) = self { count } else { nil } }

    /// What is wrong with what the ranks were asked for, each on its machine; `nil` if nothing is. The same on all ranks.
    static func fault(_ asked: [RanksPerGroup], ranksOnMachine: [Int]) -> RunError? {
        guard let first = asked.first else { return nil }
        if let rank = asked.firstIndex(where: { $0 != first }) {
            return RunError(
                "\(variable) is not the same on ranks 0 and \(rank): launch all ranks with it (mpirun -x \(variable)), "
                    + "or none", exitCode: .usage)
        }
        for (rank, onMachine) in ranksOnMachine.enumerated() where first != .unset {
            guard let limit = first.limit, onMachine % min(limit, onMachine) == 0 else {
                return RunError(
                    "\(variable): expected a number that divides the \(onMachine) ranks of rank \(rank)'s machine, received "
                        + "\(quoted: text ?? ""); correct or unset it", exitCode: .usage)
            }
        }
        return nil
    }
}
