import MIOBase
import MIOConfig

/// A number, or lists of them in lists, as numpy makes an array of.
public struct NestedNumbers: Hashable, Sendable {
    /// Of one number without axes.
    public let shape: Shape
    /// In row-major order.
    public let values: [Double]

    /// One number.
    public init(_ value: Double) {
        shape = []
        values = [value]
    }

    /// A vector.
    public init(_ values: [Double]) {
        shape = [values.count]
        self.values = values
    }

    private init(shape: Shape, values: [Double]) {
        self.shape = shape
        self.values = values
    }

    /// - Returns: `nil` for what is no number and no list of equal parts.
    init?(_ value: ConfigValue) {
        switch value {
        case .integer(let one): self.init(Double(one))
        case .real(let one): self.init(one)
        case .list(let values):
            let parts = values.compactMap { NestedNumbers($0) }
            guard parts.count == values.count, !parts.isEmpty,
                parts.allSatisfy({ $0.shape == parts[0].shape })
            else { return nil }
            self.init(
                shape: Shape([parts.count] + parts[0].shape.dimensions), values: parts.flatMap(\.values))
        default: return nil
        }
    }

    /// As configurations have it.
    var config: ConfigValue { Self.config(shape.dimensions[...], values[...]) }

    private static func config(_ sizes: ArraySlice<Int>, _ values: ArraySlice<Double>) -> ConfigValue {
        guard let size = sizes.first else { return .real(values[values.startIndex]) }
        let part = values.count / size
        return .list(
            (0..<size).map { index in
                config(sizes.dropFirst(), values.dropFirst(index * part).prefix(part))
            })
    }
}

extension ConfigReader {
    /// A number or lists of numbers; `nil` where the key is missing or null.
    mutating func optionalNumbers(_ key: String) throws(ConfigError) -> NestedNumbers? {
        let expected = "a number, or a list of numbers"
        guard let value = try optionalValue(key, expected: expected) else { return nil }
        guard let numbers = NestedNumbers(value) else {
            throw error(key, "expected \(expected), found \(value.summary)")
        }
        return numbers
    }
}
