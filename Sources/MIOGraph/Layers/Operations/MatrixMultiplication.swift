import MIOBase
import MIOConfig

/// The product of the matrices of two tensors (`keras.ops.matmul(a, b)`, `a @ b`). <https://keras.io/api/ops/numpy/>
///
/// a (…, m, k), b (…, k, n) → y (…, m, n); the axes before the last two are the same.
public struct MatrixMultiplication: Layer {
    public static var className: String { "Matmul" }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes

    /// The product of the matrices of two tensors.
    public init(name: String? = nil) { attributes = LayerAttributes(name: name) }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
    }

    public var config: ConfigDictionary { [:] }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 2, inputs[0].rank == inputs[1].rank, inputs[0].rank >= 2,
            inputs[0].dimensions.dropLast(2) == inputs[1].dimensions.dropLast(2),
            inputs[0].last == inputs[1][inputs[1].rank - 2]
        else { throw ShapeError(expected: "(…, m, k) and (…, k, n)", received: inputs) }
        return Shape(inputs[0].dimensions.dropLast() + [inputs[1].last])
    }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory {
        LayerMemory(backwardReadsOutput: false)
    }

    public func flops(ofInput input: Int, of inputs: [Shape], output: Shape) -> LayerFlops {
        LayerFlops(output.count.clampedTimes(inputs[0].last))
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let (a, b, y) = (call.inputs[0], call.inputs[1], call.output)
        let (rows, inner, columns) = sizes(call.inputShapes)
        for matrix in 0..<call.samples * (call.outputShape.count / max(rows * columns, 1)) {
            let (a, b, y) = (
                a + matrix * rows * inner, b + matrix * inner * columns, y + matrix * rows * columns
            )
            for row in 0..<rows {
                for column in 0..<columns { y[row * columns + column] = 0 }
                for k in 0..<inner {
                    let factor = a[row * inner + k]
                    for column in 0..<columns {
                        y[row * columns + column] += factor * b[k * columns + column]
                    }
                }
            }
        }
    }

    private func sizes(_ shapes: [Shape]) -> (rows: Int, inner: Int, columns: Int) {
        (shapes[0][shapes[0].rank - 2], shapes[0].last, shapes[1].last)
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        let forward = call.forward
        let (rows, inner, columns) = sizes(forward.inputShapes)
        for matrix in 0..<call.samples * (forward.outputShape.count / max(rows * columns, 1)) {
            let dy = call.outputGradient + matrix * rows * columns
            let (a, b) = (
                forward.inputs[0] + matrix * rows * inner, forward.inputs[1] + matrix * inner * columns
            )
            if let da = call.inputGradients[0].map({ $0 + matrix * rows * inner }) {
                for row in 0..<rows {
                    for k in 0..<inner {
                        var sum: T = 0
                        for column in 0..<columns {
                            sum += dy[row * columns + column] * b[k * columns + column]
                        }
                        da[row * inner + k] += sum
                    }
                }
            }
            if let db = call.inputGradients[1].map({ $0 + matrix * inner * columns }) {
                for row in 0..<rows {
                    for k in 0..<inner {
                        let factor = a[row * inner + k]
                        for column in 0..<columns {
                            db[k * columns + column] += factor * dy[row * columns + column]
                        }
                    }
                }
            }
        }
    }
}
