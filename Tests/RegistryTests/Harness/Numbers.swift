import MIOBase

/// Reproducible numbers, drawn from streams by their names.
enum Numbers {
    private static func random(_ name: String) -> PhiloxSequence {
        PhiloxSequence(seed: 7, stream: digest(name.utf8))
    }

    /// `count` numbers of a range.
    static func uniform(_ count: Int, _ name: String, in range: ClosedRange<Float> = -1...1) -> [Double] {
        var random = random(name)
        return (0..<count).map { _ in Double(random.nextUniform(range.lowerBound, range.upperBound)) }
    }

    /// Numbers between −1 and 1, shuffled: no two are near each other, none is near 0. A largest one stays the largest, and
    /// the kink of relu is far, when one of them moves a little.
    static func distinct(_ count: Int, _ name: String) -> [Double] {
        var random = random(name)
        return (0..<count).shuffled(using: &random).map { place in
            let value: Double = 2 * (Double(place) + 0.37) / Double(count) - 1
            // Of so many bits that 32-bit floats hold it.
            return (value * 0x1p16).rounded() * 0x1p-16
        }
    }

    /// Whole numbers of a range, its first and its last among them.
    static func integers(_ count: Int, _ range: Range<Int>, _ name: String) -> [Double] {
        var random = random(name)
        return (0..<count).map { index in
            switch index {
            case 0: Double(range.lowerBound)
            case 1: Double(range.upperBound - 1)
            default: Double(Int.random(in: range, using: &random))
            }
        }
    }
}

extension Array where Element: Scalar {
    /// Of 32-bit floats, the same numbers in double precision.
    var doubles: [Double] { map { Double($0) } }
    var floats: [Float] { map { Float($0) } }
    var largest: Double { reduce(0) { Swift.max($0, Double($1.magnitude)) } }

    /// The elements of some of the samples that lie one after another.
    func samples(_ range: Range<Int>, of samples: Int) -> [Element] {
        let each = count / samples
        return Array(self[range.lowerBound * each..<range.upperBound * each])
    }

    /// Whether two arrays hold the same bits; a NaN is equal to a NaN.
    func isSame(as other: [Element]) -> Bool {
        count == other.count && zip(self, other).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN }
    }
}

/// The first element of `values` that is farther from `expected` than `tolerance`, in words; `nil` if there is none.
func difference<T: Scalar>(_ values: [T], _ expected: [Double], within tolerance: Double) -> String? {
    guard values.count == expected.count else { return "\(values.count) values, not \(expected.count)" }
    for (index, (value, expected)) in zip(values, expected).enumerated() {
        let value = Double(value)
        guard !((value - expected).magnitude <= tolerance), !(value.isNaN && expected.isNaN) else { continue }
        return "element \(index) is \(value), expected \(expected) ± \(tolerance)"
    }
    return nil
}

/// What 32-bit floats may differ by: each of `terms` additions rounds a sum of numbers up to `size`.
func rounding(_ terms: Int, _ size: Double) -> Double {
    4 * Double(Float.ulpOfOne) * Double(terms) * max(1, size)
}
