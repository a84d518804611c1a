import MIOOptimizers
import Testing

@Suite struct AllFiniteTests {
    /// At every place of a vector and of what is left over behind whole ones.
    @Test func findsOneElement() {
        for bad in [Float.nan, -.nan, .infinity, -.infinity] {
            for place in 0..<67 {
                var values = [Float](repeating: -.greatestFiniteMagnitude, count: 67)
                values[66] = .leastNonzeroMagnitude
                #expect(areFinite(values, count: 67))
                values[place] = bad
                #expect(!areFinite(values, count: 67), "\(bad) at \(place)")
                #expect(areFinite(values, count: place))
            }
        }
        #expect(areFinite([Float.nan], count: 0))
    }
}
