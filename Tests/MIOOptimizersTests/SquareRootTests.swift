import CVectorLoops
import Testing

/// The root that Adam takes by multiplications is the correctly rounded one.
@Suite struct SquareRootTests {
    private func mismatches(_ values: [Float]) -> [Float] {
        let roots = [Float](unsafeUninitializedCapacity: values.count) { buffer, count in
            mio_square_roots(values.count, values, buffer.baseAddress)
            count = values.count
        }
        var found: [Float] = []
        for (value, root) in zip(values, roots) {
            let expected = value.squareRoot()
            if root.bitPattern != expected.bitPattern, !(root.isNaN && expected.isNaN) { found.append(value) }
        }
        return found
    }

    /// Every significand under an even and an odd exponent: others only shift the result.
    @Test func allSignificands() {
        let chunk = 1 << 16
        for start in stride(from: Float(1).bitPattern, to: Float(4).bitPattern, by: chunk) {
            let values = (0..<UInt32(chunk)).map { Float(bitPattern: start + $0) }
            #expect(mismatches(values).isEmpty)
        }
    }

    /// Every exponent, both signs, at the significands next to where one ends; what is not a number; a lone special
    /// number among common ones, and the other way round.
    @Test func allExponents() {
        var values: [Float] = []
        for exponent in UInt32(0)..<512 {
            for significand: UInt32 in [0, 1, 2, 0x2A_AAAA, 0x35_04F3, 0x35_04F4, 0x40_0000, 0x7F_FFFF] {
                values.append(Float(bitPattern: exponent << 23 | significand))
            }
        }
        #expect(mismatches(values).isEmpty)
        #expect(mismatches(values.flatMap { [$0] + Array(repeating: Float(3), count: 15) }).isEmpty)
        #expect(mismatches(values.flatMap { Array(repeating: $0, count: 15) + [3] }).isEmpty)
    }
}
