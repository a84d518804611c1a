import Testing

/// Compares derivatives with central differences in double precision, `D(h) = (f(v + h) − f(v − h)) / 2h`.
///
/// `(4·D(h) − D(2h)) / 3` is off by a small part of `D(h) − D(2h)`, and by the rounding of f. h = ∛ε balances both. Where f
/// has a kink within 2h both differences disagree, which allows more; a sample must not have many such places.
struct Derivatives {
    private(set) var compared = 0
    private var kinks = 0
    private(set) var failures: [String] = []

    /// - Parameters:
    ///   - what: names the elements in messages.
    ///   - gradient: what is compared, an element for each of `values`.
    ///   - function: f of all values, and Σ of the sizes that it adds up.
    mutating func compare(
        _ what: String, at values: [Double], gradient: [Double],
        _ function: ([Double]) -> (value: Double, size: Double)
    ) {
        let h = 0x1p-17
        for index in values.indices {
            var size = 0.0
            func difference(_ step: Double) -> Double {
                var moved = values
                moved[index] = values[index] + step
                let above = function(moved)
                moved[index] = values[index] - step
                let below = function(moved)
                size = max(size, above.size, below.size)
                return (above.value - below.value) / (2 * step)
            }
            let (near, far) = (difference(h), difference(2 * h))
            compared += 1
            let disagreement = (near - far).magnitude
            if disagreement > 1e-6 * (1 + near.magnitude) { kinks += 1 }
            // Each term of f has some roundings; 64 is more than a layer of these sizes has.
            let tolerance = disagreement + 64 * .ulpOfOne * (1 + size) / h
            let expected = (4 * near - far) / 3
            guard !((gradient[index] - expected).magnitude <= tolerance) else { continue }
            failures.append(
                "\(what), element \(index): \(gradient[index]), differences give \(expected) ± \(tolerance)")
        }
    }

    /// Records what was wrong: the first few elements.
    func expectAgreement(_ context: String, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(
            failures.isEmpty,
            "\(context): \(failures.count) of \(compared): \(failures.prefix(4).joined(separator: "; "))",
            sourceLocation: sourceLocation)
        #expect(
            kinks * 5 <= compared,
            "\(context): \(kinks) of \(compared) elements lie at a kink, where nothing is proved; take other shapes",
            sourceLocation: sourceLocation)
    }
}
