import MIOBase
import MIOConfig
import MIOGraph
import Testing

@Suite struct RegularizerTests {
    /// The term, and the gradient added to one of 10 everywhere.
    private func penalty<T: Scalar>(_ regularizer: any Regularizer, _ weights: [T]) -> (Double, [T]) {
        var gradient = [T](repeating: 10, count: weights.count)
        let term = regularizer.penalty(of: weights, count: weights.count, addingTo: &gradient)
        #expect(regularizer.penalty(of: weights, count: weights.count, addingTo: nil) == term)
        return (term, gradient)
    }

    @Test func numbersByHand() {
        func check(
            _ regularizer: any Regularizer, _ weights: [Double], gives term: Double, _ gradient: [Double],
            sourceLocation: SourceLocation = #_sourceLocation
        ) {
            let found = penalty(regularizer, weights)
            #expect(found.0 == term, sourceLocation: sourceLocation)
            #expect(found.1 == gradient, sourceLocation: sourceLocation)
        }
        check(L2(0.5), [1, -2, 3], gives: 7, [11, 8, 13])
        check(L1(0.5), [1, -2, 0], gives: 1.5, [10.5, 9.5, 10])
        check(L1L2(l1: 0.5, l2: 0.25), [1, -2], gives: 2.75, [11, 8.5])
        check(L1L2(), [1, -2], gives: 0, [10, 10])
        // The example of Keras' documentation: 0.5 · 25 ones.
        #expect(penalty(L2(0.5), [Float](repeating: 1, count: 25)).0 == 12.5)
    }

    /// Beyond the loop of eight sums, and in both precisions.
    @Test(arguments: [0, 1, 7, 8, 9, 100]) func anyNumberOfElements(_ count: Int) {
        let weights = (0..<count).map { Double($0 % 5 - 2) }
        let squares = weights.reduce(0) { $0 + $1 * $1 }
        let sizes = weights.reduce(0) { $0 + abs($1) }
        for (regularizer, expected) in [
            (L1(2), 2 * sizes), (L2(3), 3 * squares), (L1L2(l1: 2, l2: 3), 2 * sizes + 3 * squares),
        ] as [(any Regularizer, Double)] {
            #expect(penalty(regularizer, weights).0 == expected)
            #expect(penalty(regularizer, weights.map { Float($0) }).0 == expected)
        }
    }

    private func read(_ value: ConfigValue) throws -> any Regularizer {
        var reader = ConfigReader(["kernel_regularizer": value], at: ConfigPath())
        return try #require(try WeightRules(of: "kernel", reading: &reader).regularizer)
    }

    @Test func kerasForms() throws {
        for (value, expected) in [
            ("l2", L2()), ("L2", L2(0.01)), (.dictionary(["class": "L2", "l2": 0.5]), L2(0.5)),
            ("l1", L1()), ("l1l2", L1L2()),
            (.dictionary(["class": "L1", "l1": nil]), L1()),
            (
                .dictionary([
                    "module": "keras.regularizers", "class_name": "L1L2",
                    "config": .dictionary(["l1": 0.25, "l2": 1]), "registered_name": nil,
                ]), L1L2(l1: 0.25, l2: 1)
            ),
        ] as [(ConfigValue, any Regularizer)] {
            #expect(try read(value).config == expected.config)
            // What it writes is read as the same.
            #expect(try read(expected.config).config == expected.config)
        }
    }

    @Test(
        arguments: [
            ("l3", "kernel_regularizer: expected a regularizer: unknown name \"l3\""),
            (.dictionary(["class": "L2", "l2": -1]), "kernel_regularizer.l2: expected"),
            (
                .dictionary(["class": "L2", "l2": 1e39]),
                "kernel_regularizer.l2: expected a finite 32-bit number"
            ),
            (.dictionary(["class": "L2", "l1": 1]), "kernel_regularizer.l1: unknown key"),
            (0.01, "kernel_regularizer: expected a regularizer: a name, or a mapping"),
        ] as [(ConfigValue, String)])
    func refusals(_ value: ConfigValue, _ message: String) {
        let error = #expect(throws: ConfigError.self) { try read(value) }
        #expect(error?.description.hasPrefix(message) == true, "\(error.map { "\($0)" } ?? "")")
    }
}
