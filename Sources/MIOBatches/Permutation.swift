import CVectorLoops
import MIOBase

/// An order of `0..<count` that depends on the seed and the epoch alone, with random access and without
/// memory: a balanced Feistel network over the next even power of two, whose values outside of the range are
/// sent through again (cycle walking; Black and Rogaway, "Ciphers with Arbitrary Finite Domains", 2002).
///
/// The rounds' keys are Philox words; a round mixes its key with half of the bits by the finalizer of
/// SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014), which takes a
/// tenth of the time of more Philox words. At most four passes an element are expected.
package struct Permutation: Sendable {
    package let count: Int

    private let isIdentity: Bool
    private let keys: SIMD8<UInt64>
    private let halfBits: UInt64
    private let halfMask: UInt64

    /// Four rounds suffice where round functions have many bits (Luby and Rackoff, 1988); small ranges, where
    /// they have few, need more to reach every order about equally often.
    private static let roundCount = 8

    /// What the random numbers are for; others of the same seed are independent.
    private static let stream: UInt64 = 0x6f72_6465_72  // "order"

    /// - Parameter shuffle: `false` gives the order of the data.
    /// - Precondition: neither `count` nor `epoch` is negative.
    package init(count: Int, seed: UInt64, epoch: Int, shuffle: Bool = true) {
        precondition(count >= 0 && epoch >= 0, "a negative count or epoch")
        self.count = count
        isIdentity = !shuffle || count < 2
        let philox = Philox(seed: seed, stream: Self.stream)
        var keys = SIMD8<UInt64>()
        for round in 0..<Self.roundCount {
            let words = philox.words(UInt64(round), UInt64(epoch))
            keys[round] = UInt64(words[0]) | UInt64(words[1]) << 32
        }
        self.keys = keys
        let bits = count < 2 ? 0 : Int.bitWidth - (count - 1).leadingZeroBitCount
        halfBits = UInt64((bits + 1) / 2)
        halfMask = (1 << halfBits) - 1
    }

    /// The element at a position.
    /// - Precondition: `position` is in `0..<count`.
    package subscript(position: Int) -> Int {
        precondition(position >= 0 && position < count, "position \(position) of \(count)")
        if isIdentity { return position }
        var value = UInt64(position)
        repeat { value = encrypt(value) } while value >= UInt64(count)
        return Int(value)
    }

    /// The elements at some positions, one after the other: as the subscript gives them, in vectors.
    /// - Precondition: the positions are in `0..<count`; `destination` has room for them.
    package func write(_ positions: Range<Int>, to destination: UnsafeMutablePointer<Int>) {
        precondition(
            positions.lowerBound >= 0 && positions.upperBound <= count, "positions \(positions) of \(count)")
        if isIdentity {
            for (index, position) in positions.enumerated() { destination[index] = position }
            return
        }
        withUnsafeBytes(of: keys) { keys in
            destination.withMemoryRebound(to: Int64.self, capacity: positions.count) { destination in
                mio_permute(
                    positions.count, UInt64(positions.lowerBound),
                    keys.baseAddress?.assumingMemoryBound(to: UInt64.self), UInt32(halfBits), UInt64(count),
                    destination)
            }
        }
    }

    @inline(__always)
    private func encrypt(_ value: UInt64) -> UInt64 {
        var left = value >> halfBits
        var right = value & halfMask
        for round in 0..<Self.roundCount {
            (left, right) = (right, left ^ (Self.mix(right ^ keys[round]) & halfMask))
        }
        return left << halfBits | right
    }

    @inline(__always)
    private static func mix(_ value: UInt64) -> UInt64 {
        let first = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        let second = (first ^ first >> 27) &* 0x94d0_49bb_1331_11eb
        return second ^ second >> 31
    }
}
