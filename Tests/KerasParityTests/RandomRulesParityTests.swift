import KerasParity
import MIOBase
import MIOConfig
import MIOGraph
import Testing

/// Constraints and regularizers of weights of shapes and with arguments that were drawn.
@Suite struct RandomRulesParityTests {
    @Test func constraints() throws {
        let golden = try Golden(random: "rules")
        let cases = try golden["constraints"].list
        #expect(try Set(cases.map { try $0["class"].string }) == Set(ConstraintRegistry.all))
        let seed = UInt64(try golden["seed"].integer)
        for one in cases {
            let constraint = try ConstraintRegistry.read(one.configuration, at: ConfigPath(one.place))
            try check(constraint, one, seed: seed, Float.self, factor: 1)
            try check(constraint, one, seed: seed, Double.self, factor: doublePrecision)
        }
    }

    private func check<T: Scalar>(
        _ constraint: any Constraint, _ golden: Golden, seed: UInt64, _: T.Type, factor: Double
    ) throws {
        let drawn = try golden["drawn"].draw(seed: seed)
        var weight = drawn.values.map { T($0) }
        var scratch = [Double](repeating: .nan, count: try constraint.scratchCount(for: drawn.shape))
        weight.withUnsafeMutableBufferPointer { weight in
            scratch.withUnsafeMutableBufferPointer { scratch in
                // A constraint without scratch does not touch it.
                let room = scratch.baseAddress ?? UnsafeMutablePointer(bitPattern: 8)!
                constraint.project(weight.baseAddress!, shape: drawn.shape, scratch: room)
            }
        }
        let worst = try golden["projected"].worst(of: weight, seed: seed, factor: factor)
        #expect(worst.isWithinTolerance, "\(T.self) \(constraint.config.json()) of \(drawn.shape): \(worst)")
    }

    @Test func regularizers() throws {
        let golden = try Golden(random: "rules")
        let cases = try golden["regularizers"].list
        #expect(try Set(cases.map { try $0["class"].string }) == Set(RegularizerRegistry.all))
        let seed = UInt64(try golden["seed"].integer)
        for one in cases {
            let regularizer = try RegularizerRegistry.read(one.configuration, at: ConfigPath(one.place))
            try check(regularizer, one, seed: seed, Float.self, factor: 1)
            try check(regularizer, one, seed: seed, Double.self, factor: doublePrecision)
        }
    }

    private func check<T: Scalar>(
        _ regularizer: any Regularizer, _ golden: Golden, seed: UInt64, _: T.Type, factor: Double
    ) throws {
        let weight = try golden["drawn"].draw(seed: seed).values.map { T($0) }
        var gradient = [T](repeating: 0, count: weight.count)
        let term = regularizer.penalty(of: weight, count: weight.count, addingTo: &gradient)
        let value = try Quantity(golden["term"]).worst([term], factor: factor)
        #expect(value.isWithinTolerance, "\(T.self) \(regularizer.config.json()): \(value)")
        let worst = try golden["gradient"].worst(of: gradient, seed: seed, factor: factor)
        #expect(worst.isWithinTolerance, "\(T.self) \(regularizer.config.json()), gradient: \(worst)")
    }
}
