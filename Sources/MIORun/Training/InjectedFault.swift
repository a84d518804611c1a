import Foundation
import MIOBase
import MIOMachine
import MIOTraining

/// A fault that tests bring about, once, on one rank: `MIO_INJECT="flip rank=1 step=7 bit=12"` in its environment.
///
/// | Word | Meaning |
/// | --- | --- |
/// | `flip`, `nan` | a bit of a number is flipped, or the number becomes NaN |
/// | `rank`, `step` | on which rank, and after which step |
/// | `weight` | whose first number; that of the model's first weight unless given |
/// | `slot` | of this slot of the optimizer, instead of the weight itself |
/// | `bit` | 0, the least, unless given |
struct InjectedFault: Equatable {
    static let variable = "MIO_INJECT"

    var isNaN: Bool
    var rank: Int
    var step: Int
    var weight: String?
    var slot: String?
    var bit = 0

    /// - Throws: `RunError` for words that are not of the table.
    static func ofEnvironment() throws(RunError) -> InjectedFault? {
        guard let text = ProcessInfo.processInfo.environment[variable], !text.isEmpty else { return nil }
        return try InjectedFault(text)
    }

    init(_ text: String) throws(RunError) {
        func refusal(_ word: some StringProtocol) -> RunError {
            RunError(
                "\(Self.variable): expected flip or nan, then rank=, step=, and perhaps weight=, slot=, bit= (0 to 31); found "
                    + "\(quoted: String(word)) in \(quoted: text)", exitCode: .usage)
        }
        let words = text.split(separator: " ")
        guard let kind = words.first, kind == "flip" || kind == "nan" else {
            throw refusal(words.first ?? "")
        }
        isNaN = kind == "nan"
        var (rank, step): (Int?, Int?)
        for word in words.dropFirst() {
            let parts = word.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { throw refusal(word) }
            switch (parts[0], Int(parts[1])) {
            case ("rank", let number?): rank = number
            case ("step", let number?): step = number
            case ("bit", let number?) where (0..<32).contains(number): bit = number
            case ("weight", _): weight = String(parts[1])
            case ("slot", _): slot = String(parts[1])
            default: throw refusal(word)
            }
        }
        guard let rank, let step else { throw refusal(words.last ?? "") }
        (self.rank, self.step) = (rank, step)
    }
}

extension TrainingRun {
    /// Brings a fault about if it is its time: a run that has gone back does not meet it again.
    func inject(_ fault: InjectedFault) {
        guard !hasInjected, communicator.rank == fault.rank, state.position.step == fault.step else { return }
        hasInjected = true
        let names = optimizer.optimizer.stateNames
        let slab = fault.slot.flatMap { names.firstIndex(of: $0) }.map { optimizer.slots[$0] }
        let plans = replica.plan.weights.sorted { $0.index < $1.index }
        guard let plan = fault.weight.map({ name in plans.first { $0.name == name } }) ?? plans.first,
            slab != nil || fault.slot == nil
        else {
            preconditionFailure("\(InjectedFault.variable): no such weight or slot")
        }
        let place = (slab ?? replica.executor.weights).pointer + plan.offset
        place.pointee =
            fault.isNaN ? .nan : Float(bitPattern: place.pointee.bitPattern ^ (1 << UInt32(fault.bit)))
        Message.write(
            "\(InjectedFault.variable): changed \(plan.name) on rank \(fault.rank) after step \(fault.step)")
    }
}
