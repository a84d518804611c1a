/// Which of several ways each pass of each convolution takes, as it was measured: a value, so that equal graphs,
/// requests and tunings give equal plans.
///
/// Rank 0 measures or remembers; the others get its bytes.
public struct Tuning: Hashable, Sendable {
    /// By what the convolution is, and the pass.
    public private(set) var picks: [String: ConvolutionCandidate] = [:]
    /// Taken where it is possible, whatever was measured.
    private var always: ConvolutionCandidate?

    public init() {}

    /// Every convolution's every pass in one way, where oneDNN has it.
    public init(always candidate: ConvolutionCandidate) { always = candidate }

    public init(picks: [String: ConvolutionCandidate]) { self.picks = picks }

    /// Takes over another's picks, also where it has one itself.
    public mutating func prefer(_ other: Tuning) { picks.merge(other.picks) { $1 } }

    func pick(_ key: String, _ pass: ConvolutionPass) -> ConvolutionCandidate? {
        always ?? picks[Self.key(key, pass)]
    }

    mutating func set(_ candidate: ConvolutionCandidate, _ key: String, _ pass: ConvolutionPass) {
        picks[Self.key(key, pass)] = candidate
    }

    private static func key(_ key: String, _ pass: ConvolutionPass) -> String { "\(key), \(pass.rawValue)" }

    // MARK: For files and other ranks

    /// Each pick by the name of its key.
    public var entries: [String: String] { picks.mapValues(\.rawValue) }

    /// The tuning whose `entries` these are; those it does not know are left out.
    public init(entries: [String: String]) {
        for (key, name) in entries { picks[key] = ConvolutionCandidate(rawValue: name) }
    }

    /// One line a pick.
    public var bytes: [UInt8] {
        let lines = entries.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)\n" }
        return Array(lines.joined().utf8)
    }

    /// The tuning whose `bytes` these are; lines it does not know are left out.
    public init(bytes: [UInt8]) {
        var entries: [String: String] = [:]
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
            if parts.count == 2 { entries[parts[1]] = parts[0] }
        }
        self.init(entries: entries)
    }
}
