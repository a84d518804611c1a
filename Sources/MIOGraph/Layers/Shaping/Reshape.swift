import MIOBase
import MIOConfig

/// The same elements in the same order under another shape.
/// <https://keras.io/api/layers/reshaping_layers/reshape/>
public struct Reshape: Layer {
    public static var className: String { "Reshape" }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// Without the batch; one dimension may be −1: whatever is left.
    public let targetShape: [Int]

    /// The shape of one result; one extent may be −1, which is what is left.
    public init(_ targetShape: [Int], name: String? = nil) {
        attributes = LayerAttributes(name: name)
        self.targetShape = targetShape
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        targetShape = try config.integerList("target_shape")
    }

    public var config: ConfigDictionary { ["target_shape": ConfigValue(targetShape)] }

    public var role: LayerRole { .alias }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1 else { throw ShapeError(expected: "one tensor", received: inputs) }
        let known = targetShape.filter { $0 != -1 }
        let (product, overflow) = known.reduce((1, false)) { result, dimension in
            let (value, overflow) = result.0.multipliedReportingOverflow(by: dimension)
            return (value, result.1 || overflow || dimension < 1)
        }
        let free = targetShape.count - known.count
        guard !overflow, free <= 1, free == 0 ? product == inputs[0].count : inputs[0].count % product == 0
        else {
            throw ShapeError(
                "cannot reshape \(inputs[0]), \(inputs[0].count) elements, to target_shape \(targetShape)")
        }
        return Shape(targetShape.map { $0 == -1 ? inputs[0].count / product : $0 })
    }

    public func results(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
        try movedResults(for: inputs)
    }

    public func movedElements(of inputs: [Shape]) -> ((Int) -> (input: Int, element: Int))? { { (0, $0) } }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory { .gradientAlone }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: ForwardCall<T>) { copyForward(call) }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func backward<T: Scalar>(_ call: BackwardCall<T>) { copyBackward(call) }
}

/// The forward of every layer that only renames the axes.
func copyForward<T: Scalar>(_ call: ForwardCall<T>) {
    call.copy(call.samples * call.outputShape.count, ofInput: 0, from: 0, to: 0)
}

func copyBackward<T: Scalar>(_ call: BackwardCall<T>) {
    guard let dx = call.inputGradients[0] else { return }
    for i in 0..<call.samples * call.forward.outputShape.count { dx[i] += call.outputGradient[i] }
}
