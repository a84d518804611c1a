import KerasParity
import Testing

/// Layers of attention, with masks and without.
@Suite struct AttentionParityTests {
    @Test func plainLayersInBothPrecisions() throws {
        let golden = try Golden(named: "attention")
        let seed = UInt64(try golden["seed"].integer)
        let cases = try golden["cases"].list
        #expect(cases.count == 14)
        for one in cases {
            try LayerParity.check(one, seed: seed, Float.self, factor: 1)
            try LayerParity.check(one, seed: seed, Double.self, factor: doublePrecision)
        }
    }
}
