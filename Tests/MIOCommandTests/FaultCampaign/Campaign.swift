import Foundation
import MIOBase
import Testing

/// Faults at random moments, until runs have finished all the same: with the bits of undisturbed ones.
///
/// `scripts/faults N` injects N of them; the tests a few. `MIO_FAULTS_SEED` repeats a campaign's choices.
@Suite(.serialized) enum FaultCampaignTests {}

/// What a part of the campaign draws, does and has seen.
final class Campaign {
    let part: String
    let seed: UInt64
    private var random: PhiloxSequence
    private let most: Int
    private(set) var injected = 0
    private(set) var rounds = 0
    private var counts: [String: Int] = [:]
    private var figures: [String: [Double]] = [:]

    private static let environment = ProcessInfo.processInfo.environment

    /// - Parameters:
    ///   - share: of all faults of a long campaign.
    ///   - few: faults of the tests.
    init(_ part: String, share: Double, few: Int) {
        self.part = part
        seed = Self.environment["MIO_FAULTS_SEED"].flatMap(UInt64.init) ?? UInt64.random(in: 0..<1 << 32)
        random = PhiloxSequence(seed: seed, stream: UInt64(part.utf8.reduce(0) { $0 &* 31 &+ Int($1) }))
        most =
            Self.environment["MIO_FAULTS"].flatMap(Int.init).map { Int((Double($0) * share).rounded(.up)) }
            ?? few
        print("faults: \(part): seed \(seed)")
    }

    var isOver: Bool { injected >= most || rounds > 20 + 5 * most }

    var place: String { "\(part), seed \(seed), round \(rounds)" }

    /// Rounds, until there were faults enough; then what was seen.
    func run(_ round: () throws -> Void) rethrows {
        while !isOver {
            rounds += 1
            try round()
        }
        report()
    }

    func number(below count: Int) -> Int {
        precondition(count > 0)
        return Int(random.nextWord()) % count
    }

    func element<Element>(of all: [Element]) -> Element { all[number(below: all.count)] }

    /// Waits for a random time.
    func pause(atMost seconds: Double) { usleep(UInt32(Double(number(below: 1_000_000)) * seconds)) }

    func note(_ fault: String, happened: Bool = true) {
        print("faults: \(part): round \(rounds): \(fault)\(happened ? "" : ", not brought about")")
        guard happened else { return }
        injected += 1
        counts[fault, default: 0] += 1
    }

    /// A time that is reported.
    func note(_ figure: String, seconds: Double?) {
        if let seconds { figures[figure, default: []].append(seconds) }
    }

    private func report() {
        #expect(injected >= most, "\(place): most faults could not be brought about")
        let kinds = counts.map { "\($0.key) \($0.value)" }.sorted().joined(separator: ", ")
        print("faults: \(part): \(injected) in \(rounds) runs (\(kinds))")
        for (name, seconds) in figures.sorted(by: { $0.key < $1.key }) {
            let sorted = seconds.sorted()
            print(
                "faults: \(part): \(name): \(rounded(sorted[sorted.count / 2])) s in the median, "
                    + "\(rounded(sorted[sorted.count - 1])) s at most, of \(sorted.count)")
        }
    }

    private func rounded(_ seconds: Double) -> String { "\((seconds * 100).rounded() / 100)" }
}
