import MIOBase
import MIOComm
import MIOTraining
import Testing

/// Sums of terms that come one after another, against `TreeOrder` with all of them at once: to the bit.
@Suite struct TreeAccumulatorTests {
    /// Numbers whose sum depends on the order of additions.
    private func terms(_ count: Int, stream: UInt64) -> [[Float]] {
        var random = PhiloxSequence(seed: 4, stream: stream)
        return (0..<count).map { index in
            (0..<5).map { _ in
                random.nextUniform(-1, 1) * Float(sign: .plus, exponent: index % 12, significand: 1)
            }
        }
    }

    @Test(arguments: [1, 2, 4, 8, 16]) func theOrderIsThatOfATree(count: Int) {
        let accumulator = TreeAccumulator<Float>(terms: count, count: 5)
        // A second round begins anew.
        for round in 0..<3 {
            let terms = terms(count, stream: UInt64(round))
            var all = terms.flatMap(\.self)
            all.withUnsafeMutableBufferPointer { TreeOrder.sum($0.baseAddress!, terms: count, count: 5) }
            let term = Storage<Float>(count: 5)
            for values in terms {
                for (index, value) in values.enumerated() { term.pointer[index] = value }
                accumulator.take(term.pointer)
            }
            #expect(Array(term.buffer) == Array(all.prefix(5)), "round \(round)")
        }
    }

    /// The order matters for these numbers: one by one they have another sum.
    @Test func theNumbersTellOrdersApart() {
        let terms = terms(16, stream: 0)
        var all = terms.flatMap(\.self)
        all.withUnsafeMutableBufferPointer { TreeOrder.sum($0.baseAddress!, terms: 16, count: 5) }
        let oneByOne = terms.dropFirst().reduce(terms[0]) { sum, term in zip(sum, term).map { $0 + $1 } }
        #expect(oneByOne != Array(all.prefix(5)))
    }
}
