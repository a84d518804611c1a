import MIOBase
import MIOConfig

/// How many rows and columns a layer adds or takes at the edges.
package struct Margins: Hashable, Sendable {
    /// Before and after, for each spatial axis.
    package let values: [[Int]]

    init(_ values: [[Int]]) {
        precondition(
            values.allSatisfy { $0.count == 2 && $0.allSatisfy { $0 >= 0 } },
            "margins are two numbers that are not negative, for each axis")
        self.values = values
    }

    /// Of one axis: an integer for both ends, or a list of two.
    init(sequence key: String, default fallback: Int, from config: inout ConfigReader) throws(ConfigError) {
        values = [
            try config.integers(
                key, count: 2, default: [fallback, fallback], atLeast: 0, atMost: Int(Int32.max))
        ]
    }

    /// Of two axes: an integer for all, a list of one for each axis, or of lists of two.
    init(image key: String, default fallback: Int, from config: inout ConfigReader) throws(ConfigError) {
        let expected = "an integer of at least 0, a list of 2 of them, or [[top, bottom], [left, right]]"
        config.describe(key, expected, default: .integer(fallback))
        try config.refuseNull(key, expected: expected)
        guard let value = config.value(key) else {
            values = [[fallback, fallback], [fallback, fallback]]
            return
        }
        func number(_ value: ConfigValue) -> Int? {
            guard case .integer(let one) = value, one >= 0, one <= Int(Int32.max) else { return nil }
            return one
        }
        func pair(_ value: ConfigValue) -> [Int]? {
            if let one = number(value) { return [one, one] }
            guard case .list(let list) = value, list.count == 2 else { return nil }
            let numbers = list.compactMap(number)
            return numbers.count == 2 ? numbers : nil
        }
        var found: [[Int]] = []
        if let one = pair(value), number(value) != nil {
            found = [one, one]
        } else if case .list(let list) = value, list.count == 2 {
            found = list.compactMap(pair)
        }
        guard found.count == 2 else {
            throw config.error(key, "expected \(expected), found \(value.json())")
        }
        values = found
    }

    /// As Keras writes it.
    var config: ConfigValue {
        values.count == 1 ? ConfigValue(values[0]) : .list(values.map { ConfigValue($0) })
    }

    /// Before the first row, and the first column; of a sequence there is one row.
    package var before: (height: Int, width: Int) { (values.count == 1 ? 0 : values[0][0], values.last![0]) }

    /// Of both ends together.
    var total: (height: Int, width: Int) {
        (values.count == 1 ? 0 : values[0][0] + values[0][1], values.last![0] + values.last![1])
    }
}

/// A layer that puts zeros around an image, or cuts its edges off.
package protocol BorderLayer: ImageLayer {
    /// Whether it makes the image larger.
    static var adds: Bool { get }
    var margins: Margins { get }
}

extension BorderLayer {
    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        let (input, total) = (try view(inputs), margins.total)
        let sign = Self.adds ? 1 : -1
        let (height, width) = (input.height + sign * total.height, input.width + sign * total.width)
        guard height >= 1, width >= 1 else {
            throw ShapeError(
                expected: Self.spatialAxes == 1
                    ? "a sequence of more than \(counted(total.width, "step")), which are cut off"
                    : "an image larger than \(total.height)×\(total.width), which are cut off",
                received: inputs)
        }
        return input.resized(height: height, width: width, channels: input.channels).sample
    }

    /// Nothing but copies.
    public func flops(ofInput input: Int, of inputs: [Shape], output: Shape) -> LayerFlops { LayerFlops(0) }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory { .gradientAlone }

    /// The smaller image, the larger one, and where the first lies in the second.
    package func placement(_ inputs: [Shape], _ output: Shape) -> (small: ImageView, large: ImageView) {
        let (input, result) = (view(checked: inputs), view(checked: [output]))
        return Self.adds ? (input, result) : (result, input)
    }

    /// Visits (offset in the smaller image, offset in the larger one) of every element of the smaller one.
    @inline(__always)
    private func forEachElement(
        _ inputs: [Shape], _ output: Shape, samples: Int, _ body: (Int, Int) -> Void
    ) {
        let (small, large) = placement(inputs, output)
        let before = margins.before
        for sample in 0..<samples {
            for row in 0..<small.height {
                for column in 0..<small.width {
                    let inner = small.offset(sample: sample, row: row, column: column)
                    let outer = large.offset(
                        sample: sample, row: row + before.height, column: column + before.width)
                    for channel in 0..<small.channels {
                        body(inner + channel * small.channelStride, outer + channel * large.channelStride)
                    }
                }
            }
        }
    }

    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let (x, y) = (call.inputs[0], call.output)
        if Self.adds { y.update(repeating: 0, count: call.samples * call.outputShape.count) }
        forEachElement(call.inputShapes, call.outputShape, samples: call.samples) { inner, outer in
            if Self.adds { y[outer] = x[inner] } else { y[inner] = x[outer] }
        }
    }

    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        guard let dx = call.inputGradients[0] else { return }
        let dy = call.outputGradient
        forEachElement(call.forward.inputShapes, call.forward.outputShape, samples: call.samples) {
            inner, outer in
            if Self.adds { dx[inner] += dy[outer] } else { dx[outer] += dy[inner] }
        }
    }
}
