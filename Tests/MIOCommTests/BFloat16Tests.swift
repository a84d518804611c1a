import MIOComm
import Testing

@Suite struct BFloat16Tests {
    @Test func roundsToTheNearestTiesToEven() {
        // Between 1 and 1 + 2⁻⁷, the next bfloat16.
        let step: Float = 0x1p-7
        for (value, expected) in [
            (1, 1), (1 + step, 1 + step), (1 + step / 4, 1), (1 + step / 2, 1), (1 + step * 0.75, 1 + step),
            (1 + step * 1.5, 1 + 2 * step), (-1 - step * 1.5, -1 - 2 * step), (0, 0),
            (Float.greatestFiniteMagnitude, .infinity), (.infinity, .infinity), (-.infinity, -.infinity),
        ] as [(Float, Float)] {
            #expect(BFloat16.value(BFloat16.rounded(value)) == expected, "\(value)")
        }
    }

    @Test func aNaNStaysOne() {
        // The second would become an infinity if its low bits were cut off.
        for value in [Float.nan, Float(bitPattern: 0x7f80_0001), Float(bitPattern: 0xffff_ffff)] {
            #expect(BFloat16.value(BFloat16.rounded(value)).isNaN)
        }
    }

    @Test func theErrorIsAtMostHalfAUnit() {
        for bits in stride(from: UInt32(0x0080_0000), to: 0x7f00_0000, by: 7919) {
            let value = Float(bitPattern: bits)
            #expect(abs(BFloat16.value(BFloat16.rounded(value)) - value) <= 0x1p-8 * value)
        }
    }
}
