/// bfloat16: a float's sign, exponent and first seven bits of the fraction.
package enum BFloat16 {
    /// The nearest, ties to even; a NaN stays one.
    @inlinable @inline(__always)
    package static func rounded(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        let isNaN = bits & 0x7fff_ffff > 0x7f80_0000
        let nearest = (bits &+ 0x7fff &+ (bits >> 16 & 1)) >> 16
        return UInt16(truncatingIfNeeded: isNaN ? bits >> 16 | 0x40 : nearest)
    }

    @inlinable @inline(__always)
    package static func value(_ bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }
}
