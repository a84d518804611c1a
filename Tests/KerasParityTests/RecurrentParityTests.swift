import KerasParity
import Testing

/// Layers of sequences: all results, and the gradients by all inputs and weights.
@Suite struct RecurrentParityTests {
    @Test func plainLayersInBothPrecisions() throws {
        let golden = try Golden(named: "recurrent")
        let seed = UInt64(try golden["seed"].integer)
        let cases = try golden["cases"].list
        #expect(cases.count == 71)
        for one in cases {
            try LayerParity.check(one, seed: seed, Float.self, factor: 1)
            try LayerParity.check(one, seed: seed, Double.self, factor: doublePrecision)
        }
    }
}
