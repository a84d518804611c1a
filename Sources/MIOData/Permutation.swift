import MIOTensor

/// An order of `0..<count` that depends on the seed and the epoch alone, with random access and without
/// memory: a balanced Feistel network over the next even power of two, whose values outside of the range are
/// sent through again (cycle walking; Black and Rogaway, "Ciphers with Arbitrary Finite Domains", 2002).
///
/// At most four passes an element are expected.
public struct Permutation: Sendable {
    public let count: Int

    private let isIdentity: Bool
    private let philox: Philox
    private let epoch: UInt64
    private let halfBits: UInt64
    private let halfMask: UInt64

    /// Four rounds suffice where round functions have many bits (Luby and Rackoff, 1988); small ranges, where
    /// they have few, need more to reach every order about equally often.
    private static let roundCount: UInt64 = 8

    /// What the random numbers are for; others of the same seed are independent.
    private static let stream: UInt64 = 0x6f72_6465_72  // "order"

    /// - Parameter shuffle: `false` gives the order of the data.
    /// - Precondition: neither `count` nor `epoch` is negative.
    public init(count: Int, seed: UInt64, epoch: Int, shuffle: Bool = true) {
        precondition(count >= 0 && epoch >= 0, "a negative count or epoch")
        self.count = count
        self.epoch = UInt64(epoch)
        isIdentity = !shuffle || count < 2
        philox = Philox(seed: seed, stream: Self.stream)
        let bits = count < 2 ? 0 : Int.bitWidth - (count - 1).leadingZeroBitCount
        halfBits = UInt64((bits + 1) / 2)
        halfMask = (1 << halfBits) - 1
    }

    /// The element at a position.
    /// - Precondition: `position` is in `0..<count`.
    public subscript(position: Int) -> Int {
        precondition(position >= 0 && position < count, "position \(position) of \(count)")
        if isIdentity { return position }
        var value = UInt64(position)
        repeat { value = encrypt(value) } while value >= UInt64(count)
        return Int(value)
    }

    private func encrypt(_ value: UInt64) -> UInt64 {
        var left = value >> halfBits
        var right = value & halfMask
        for round in 0..<Self.roundCount {
            let words = philox.words(right | round << 60, epoch)
            (left, right) = (right, left ^ (UInt64(words[0]) & halfMask))
        }
        return left << halfBits | right
    }
}
