import MIOBase
import MIOConfig

/// A part of a tensor, as Python's index takes it: `x[:, 0]`, `x[..., 1:3]`. <https://keras.io/api/ops/numpy/>
///
/// `index` is what stands between the brackets after the batch's `:`, axis by axis: `"0"`, `"1:3, ::2"`, `"..., -1"`,
/// `"..., newaxis"`.
public struct GetItem: RearrangingLayer {
    /// What is taken along an axis.
    enum Part: Hashable {
        /// One element; the axis goes.
        case element(Int)
        /// A range with a step.
        case range(start: Int?, stop: Int?, step: Int)
        /// All axes that are not spoken of.
        case rest
        /// A new axis of one element.
        case newAxis
    }

    public static var className: String { "GetItem" }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// What is taken, in Python's notation, without the batch.
    public let index: String
    private let parts: [Part]

    /// A part of a tensor.
    /// - Precondition: the index can be read.
    public init(_ index: String, name: String? = nil) {
        guard let parts = Self.parts(index) else { preconditionFailure("\(index) is no index") }
        attributes = LayerAttributes(name: name)
        self.index = index
        self.parts = parts
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        index = try config.string("index")
        guard let parts = Self.parts(index) else {
            throw config.error(
                "index",
                "expected an index in Python's notation without the batch, as \"1:3, -1\", found \(quoted: index)"
            )
        }
        self.parts = parts
    }

    public var config: ConfigDictionary { ["index": .string(index)] }

    private static func parts(_ text: String) -> [Part]? {
        var parts: [Part] = []
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            let word = word.filter { $0 != " " }
            if word == "..." {
                guard !parts.contains(.rest) else { return nil }
                parts.append(.rest)
            } else if word == "newaxis" {
                parts.append(.newAxis)
            } else if let number = Int(word) {
                parts.append(.element(number))
            } else {
                let numbers = word.split(separator: ":", omittingEmptySubsequences: false)
                guard (2...3).contains(numbers.count), numbers.allSatisfy({ $0.isEmpty || Int($0) != nil })
                else {
                    return nil
                }
                let step = numbers.count == 3 ? Int(numbers[2]) ?? 1 : 1
                guard step != 0 else { return nil }
                parts.append(.range(start: Int(numbers[0]), stop: Int(numbers[1]), step: step))
            }
        }
        return parts
    }

    /// What is taken along each axis of the input, and the axes of the result.
    private func selection(_ shape: Shape) throws(ShapeError) -> (
        axes: [(first: Int, count: Int, step: Int)], result: [Int]
    ) {
        let named = parts.count { $0 != .rest && $0 != .newAxis }
        guard named <= shape.rank else {
            throw ShapeError(
                "the index \(index) is of \(counted(named, "axis", plural: "axes")), received \(shape)")
        }
        var axes: [(first: Int, count: Int, step: Int)] = []
        var result: [Int] = []
        func whole() {
            result.append(shape[axes.count])
            axes.append((0, shape[axes.count], 1))
        }
        for part in parts {
            switch part {
            case .newAxis: result.append(1)
            case .rest: for _ in 0..<shape.rank - named { whole() }
            case .element(let number):
                let size = shape[axes.count]
                let place = number < 0 ? number + size : number
                guard (0..<size).contains(place) else {
                    throw ShapeError(
                        "the index \(index) takes element \(number) of an axis of \(size), received \(shape)")
                }
                axes.append((place, 1, 1))
            case .range(let start, let stop, let step):
                let size = shape[axes.count]
                func clipped(_ number: Int, _ range: ClosedRange<Int>) -> Int {
                    min(max(number < 0 ? number + size : number, range.lowerBound), range.upperBound)
                }
                let bounds = step > 0 ? 0...size : -1...size - 1
                let first = start.map { clipped($0, bounds) } ?? (step > 0 ? 0 : size - 1)
                let end = stop.map { clipped($0, bounds) } ?? (step > 0 ? size : -1)
                let count = max(
                    0, step > 0 ? (end - first + step - 1) / step : (first - end - step - 1) / -step)
                guard count > 0 else {
                    throw ShapeError(
                        "the index \(index) takes nothing of an axis of \(size), received \(shape)")
                }
                axes.append((first, count, step))
                result.append(count)
            }
        }
        while axes.count < shape.rank { whole() }
        return (axes, result)
    }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1 else { throw ShapeError(expected: "one tensor", received: inputs) }
        return Shape(try selection(inputs[0]).result)
    }

    public func places(of input: Shape) -> RearrangedElements {
        // The graph has checked the shape.
        guard let axes = try? selection(input).axes else {
            return RearrangedElements(Rearrangement(sizes: [0], strides: [0]))
        }
        let strides = Rearrangement.strides(of: input)
        return RearrangedElements(
            Rearrangement(
                sizes: axes.map(\.count), strides: zip(axes, strides).map { $0.step * $1 },
                offset: zip(axes, strides).reduce(0) { $0 + $1.0.first * $1.1 }))
    }
}
