import MIOBase

/// How a rank on another machine tells its supervisor what it is at: over TCP, its slot of the progress board again and again.
///
/// First comes a greeting of `greetingBytes`: a mark, the secret, the rank, its machine's name. Then slots, each of
/// `ProgressBoard.wordsPerSlot` words of 64 bits, little-endian. The supervisor says nothing.
package struct ProgressLink: Hashable, Sendable {
    /// Of the supervisor's machine, as numbers: `10.0.0.1`, `fe80::1`.
    package var addresses: [String]
    package var port: Int
    /// That only the run's own ranks have: `secretBytes` letters.
    package var secret: String

    package init(addresses: [String], port: Int, secret: String) {
        self.addresses = addresses
        self.port = port
        self.secret = secret
    }

    package static let secretBytes = 32
    private static let mark = Array("MIOPROG1".utf8)
    private static let hostBytes = 256
    package static let greetingBytes = mark.count + secretBytes + 4 + hostBytes
    package static let slotBytes = ProgressBoard.wordsPerSlot * 8

    /// In the environment: `10.0.0.1,10.1.0.1 40123`. The secret has a variable of its own, which no message shows.
    package var place: String { "\(addresses.joined(separator: ",")) \(port)" }

    /// - Returns: `nil` for what is no `place`.
    package init?(place: String, secret: String) {
        let parts = place.split(separator: " ")
        guard parts.count == 2, let port = Int(parts[1]), (1...65535).contains(port),
            secret.utf8.count == Self.secretBytes
        else { return nil }
        self.init(addresses: parts[0].split(separator: ",").map(String.init), port: port, secret: secret)
    }

    package static func makeSecret() -> String {
        var random = SystemRandomNumberGenerator()
        return (0..<secretBytes / 16).map { _ in
            let digits = String(random.next(), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    // MARK: Bytes

    package func greeting(rank: Int, host: String) -> [UInt8] {
        let name = Array(host.utf8.prefix(Self.hostBytes))
        return Self.mark + Array(secret.utf8) + UInt32(rank).littleEndianBytes + name
            + [UInt8](repeating: 0, count: Self.hostBytes - name.count)
    }

    /// - Returns: `nil` for a greeting of somebody else's.
    package func rank(greeting: [UInt8]) -> (rank: Int, host: String)? {
        guard greeting.count == Self.greetingBytes else { return nil }
        let (marks, rest) = (greeting[..<Self.mark.count], greeting[Self.mark.count...])
        // In a time that does not depend on how much of it is right.
        let difference = zip(rest, secret.utf8).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) }
        guard Array(marks) == Self.mark, difference == 0 else { return nil }
        let fields = rest.dropFirst(Self.secretBytes)
        let rank = Int(UInt32(littleEndianBytes: fields.prefix(4)))
        let host = String(decoding: fields.dropFirst(4).prefix { $0 != 0 }, as: UTF8.self)
        return (rank, host)
    }
}
