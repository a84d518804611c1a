import MIOBase
import Testing

@Suite struct PhiloxTests {
    /// Known answers of Random123's `kat_vectors`, philox4x32 with 10 rounds.
    @Test func knownAnswers() {
        #expect(
            Philox(key: 0).words(0, 0)
                == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
        #expect(
            Philox(key: .max).words(.max, .max)
                == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
        #expect(
            Philox(key: 0x299f_31d0_a409_3822).words(0x85a3_08d3_243f_6a88, 0x0370_7344_1319_8a2e)
                == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
    }

    @Test func unitStaysBelowOne() {
        #expect(Philox.unit(.max) < 1)
        #expect(Philox.unit(0) == 0)
    }

    @Test func streamsDiffer() {
        var first = PhiloxSequence(seed: 1, stream: 0)
        var second = PhiloxSequence(seed: 1, stream: 1)
        #expect(first.next() != second.next())
    }

    @Test func uniformHasTheRightMean() {
        var sequence = PhiloxSequence(seed: 7, stream: 3)
        let n = 100_000
        let mean = (0..<n).reduce(0.0) { sum, _ in sum + Double(sequence.nextUnit()) } / Double(n)
        // Five standard deviations of the mean of n uniforms.
        #expect(abs(mean - 0.5) < 5 * (1.0 / 12).squareRoot() / Double(n).squareRoot())
    }
}
