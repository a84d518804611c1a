/// Counter-based random numbers: Philox4x32-10 of Salmon, Moraes, Dror and Shaw,
/// "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011).
///
/// The same key and counter give the same four words on every machine and in any order, so what is drawn
/// for a sample does not depend on which rank computes it.
@usableFromInline
package struct Philox: Hashable, Sendable {
    /// What numbers depend on beside the counter.
    @usableFromInline package let key: SIMD2<UInt32>

    /// A generator of its own for each key.
    @inlinable
    package init(key: UInt64) {
        self.key = SIMD2(UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key >> 32))
    }

    /// A generator for one purpose of one run: the streams of different `stream`s are independent.
    @inlinable
    package init(seed: UInt64, stream: UInt64) {
        let words = Philox(key: seed).words(stream, 0x6d69_6f00)  // "mio"
        self.init(key: UInt64(words[0]) | UInt64(words[1]) << 32)
    }

    /// Four uniform words at the 128-bit counter (`low`, `high`).
    @inlinable
    package func words(_ low: UInt64, _ high: UInt64) -> SIMD4<UInt32> {
        // Scalars: moving words in and out of vectors would take most of the time.
        var counter0 = UInt32(truncatingIfNeeded: low)
        var counter1 = UInt32(truncatingIfNeeded: low >> 32)
        var counter2 = UInt32(truncatingIfNeeded: high)
        var counter3 = UInt32(truncatingIfNeeded: high >> 32)
        var key0 = key[0]
        var key1 = key[1]
        for _ in 0..<10 {
            let product0 = UInt64(0xD251_1F53) &* UInt64(counter0)
            let product1 = UInt64(0xCD9E_8D57) &* UInt64(counter2)
            counter0 = UInt32(truncatingIfNeeded: product1 >> 32) ^ counter1 ^ key0
            counter1 = UInt32(truncatingIfNeeded: product1)
            counter2 = UInt32(truncatingIfNeeded: product0 >> 32) ^ counter3 ^ key1
            counter3 = UInt32(truncatingIfNeeded: product0)
            key0 &+= 0x9E37_79B9
            key1 &+= 0xBB67_AE85
        }
        return SIMD4(counter0, counter1, counter2, counter3)
    }

    /// A uniform number in [0, 1), of the upper 24 bits of a word: exact in 32-bit floating point.
    @inlinable
    package static func unit(_ word: UInt32) -> Float { Float(word >> 8) * 0x1p-24 }
}

/// A sequence of random numbers drawn from one Philox stream, where order is all that matters:
/// initial weights, the examples' data.
package struct PhiloxSequence: RandomNumberGenerator, Sendable {
    private let philox: Philox
    private var counter: UInt64 = 0
    private var words = SIMD4<UInt32>()
    private var used = 4

    package init(seed: UInt64, stream: UInt64) { philox = Philox(seed: seed, stream: stream) }

    package mutating func nextWord() -> UInt32 {
        if used == 4 {
            words = philox.words(counter, 0)
            counter += 1
            used = 0
        }
        defer { used += 1 }
        return words[used]
    }

    package mutating func next() -> UInt64 { UInt64(nextWord()) | UInt64(nextWord()) << 32 }

    /// A uniform number in [0, 1).
    package mutating func nextUnit() -> Float { Philox.unit(nextWord()) }

    /// A uniform number in [low, high).
    package mutating func nextUniform(_ low: Float, _ high: Float) -> Float {
        low + (high - low) * nextUnit()
    }
}
