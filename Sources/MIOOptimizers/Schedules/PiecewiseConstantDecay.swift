import MIOConfig

/// Learning rates that hold up to a step each: `values[i]` at steps above `boundaries[i − 1]`, up to and including
/// `boundaries[i]`.
///
/// Source: https://keras.io/api/optimizers/learning_rate_schedules/piecewise_constant_decay/
public struct PiecewiseConstantDecay: Schedule, Hashable {
    public static let className = "PiecewiseConstantDecay"

    /// The last step of each value but the last one, in ascending order.
    public let boundaries: [Int]
    /// One more than boundaries.
    public let values: [Double]

    /// - Precondition: boundaries ascend and are not negative; there is one value more than boundaries, and none is negative.
    public init(boundaries: [Int], values: [Double]) {
        precondition(
            values.count == boundaries.count + 1, "\(values.count) values, \(boundaries.count) boundaries")
        precondition(
            Self.firstOutOfOrder(boundaries) == nil && values.allSatisfy { $0 >= 0 },
            "\(boundaries), \(values)")
        self.boundaries = boundaries
        self.values = values
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        let expected = "a list of steps, as [1000, 5000]"
        reader.describe("boundaries", expected)
        let written = try reader.required("boundaries")
        guard case .list(let steps) = written else {
            throw reader.error("boundaries", "expected \(expected), found \(written.summary)")
        }
        var boundaries: [Int] = []
        for (index, step) in steps.enumerated() {
            switch step {
            case .integer(let number): boundaries.append(number)
            // Its whole part counts, as in Keras.
            case .real(let number) where Int(exactly: number.rounded(.down)) != nil:
                boundaries.append(Int(number.rounded(.down)))
            default:
                throw ConfigError(
                    path: reader.path.appending("boundaries").appending(index: index),
                    message: "expected a number of steps, found \(step.summary)")
            }
        }
        self.boundaries = boundaries
        if let index = Self.firstOutOfOrder(boundaries) {
            throw reader.error(
                "boundaries",
                "expected steps from 0 on in ascending order, found \(boundaries[index])"
                    + (index > 0 ? " after \(boundaries[index - 1])" : ""))
        }
        reader.describe("values", "a list of numbers of at least 0.0")
        guard case .list(let entries) = try reader.required("values") else {
            throw reader.error("values", "expected a list with one number more than boundaries")
        }
        var values: [Double] = []
        for entry in entries {
            let value: Double
            switch entry {
            case .real(let number): value = number
            case .integer(let number): value = Double(number)
            default: throw reader.error("values", "expected numbers, found \(entry.summary)")
            }
            guard value.isFinite, value >= 0 else {
                throw reader.error("values", "expected finite numbers of at least 0.0, found \(value)")
            }
            values.append(value)
        }
        guard values.count == boundaries.count + 1 else {
            throw reader.error(
                "values",
                "expected one more than boundaries, \(boundaries.count + 1), found \(values.count)")
        }
        self.values = values
    }

    private static func firstOutOfOrder(_ boundaries: [Int]) -> Int? {
        boundaries.indices.first { boundaries[$0] < 0 || $0 > 0 && boundaries[$0] <= boundaries[$0 - 1] }
    }

    public var config: ConfigValue {
        .dictionary([
            "class": .string(Self.className), "boundaries": .list(boundaries.map(ConfigValue.integer)),
            "values": .list(values.map(ConfigValue.real)),
        ])
    }

    public func value(at step: Int) -> Double {
        var index = 0
        while index < boundaries.count, step > boundaries[index] { index += 1 }
        return values[index]
    }
}
