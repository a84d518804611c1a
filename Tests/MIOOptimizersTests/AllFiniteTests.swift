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

    @Test func copiesWhatItLooksAt() {
        for bad in [nil, Float.nan, .infinity] {
            for count in [0, 1, 15, 16, 67] {
                var values = (0..<count).map { Float($0) - 8 }
                if let bad, count > 0 { values[count - 1] = bad }
                var copy = [Float](repeating: 7, count: count + 1)
                #expect(copyFinite(values, count: count, to: &copy) == (bad == nil || count == 0))
                #expect(copy.map(\.bitPattern) == (values + [7]).map(\.bitPattern))
            }
        }
    }
}
