import MIOBase
import MIOConfig

/// Tensors side by side along one axis. <https://keras.io/api/layers/merging_layers/concatenate/>
public struct Concatenate: Layer {
    public static var className: String { "Concatenate" }
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    /// Keras counts the batch as axis 0: −1 is the last axis, 1 the first of a sample.
    public let axis: Int

    /// Joins tensors along an axis; −1 is the last.
    public init(axis: Int = -1, name: String? = nil) {
        attributes = LayerAttributes(name: name)
        self.axis = axis
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        axis = try config.integer("axis", default: -1)
    }

    public var config: ConfigDictionary { ["axis": .integer(axis)] }

    /// The axis of a sample, 0-based; `nil` if there is none such.
    public func sampleAxis(rank: Int) -> Int? {
        let index = axis < 0 ? rank + axis : axis - 1
        return axis != 0 && index >= 0 && index < rank ? index : nil
    }

    public var role: LayerRole { .join }

    public func flops(ofInput input: Int, of inputs: [Shape], output: Shape) -> LayerFlops { LayerFlops(0) }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard !inputs.isEmpty else { throw ShapeError(expected: "one tensor or more", received: inputs) }
        guard let axis = sampleAxis(rank: inputs[0].rank) else {
            throw ShapeError(
                "axis \(axis) is not one of \(inputs[0]); axis 0 is the batch, -1 the last axis")
        }
        for input in inputs {
            let fits =
                input.rank == inputs[0].rank
                && input.dimensions.indices.allSatisfy { $0 == axis || input[$0] == inputs[0][$0] }
            guard fits else {
                throw ShapeError(
                    expected: "tensors that differ in axis \(self.axis) only", received: inputs)
            }
        }
        var dimensions = inputs[0].dimensions
        dimensions[axis] = inputs.reduce(0) { $0 + $1[axis] }
        return Shape(dimensions)
    }

    public func results(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
        try movedResults(for: inputs)
    }

    public func movedElements(of inputs: [Shape]) -> ((Int) -> (input: Int, element: Int))? {
        guard let axis = sampleAxis(rank: inputs[0].rank) else { return nil }
        // What lies together of each input, and of all of them.
        let runs = inputs.map { $0.dimensions[axis...].reduce(1, *) }
        let all = runs.reduce(0, +)
        return { element in
            let (block, place) = element.quotientAndRemainder(dividingBy: all)
            var (input, rest) = (0, place)
            while rest >= runs[input] {
                rest -= runs[input]
                input += 1
            }
            return (input, block * runs[input] + rest)
        }
    }

    public func maskRule(ofResult result: Int) -> MaskRule { .joined(axis: axis) }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory { .gradientAlone }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        forEachRun(call) { call.copy($3, ofInput: $0, from: $1, to: $2) }
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        forEachRun(call.forward) { input, xOffset, yOffset, count in
            guard let dx = call.inputGradients[input] else { return }
            for i in 0..<count { dx[xOffset + i] += call.outputGradient[yOffset + i] }
        }
    }

    /// Visits each contiguous run: (input, offset in it, offset in the output, elements).
    @inline(__always)
    private func forEachRun<T: Scalar>(_ call: ForwardCall<T>, _ body: (Int, Int, Int, Int) -> Void) {
        guard let axis = sampleAxis(rank: call.outputShape.rank) else { return }  // checked by the graph
        let outer = call.samples * call.outputShape.dimensions[..<axis].reduce(1, *)
        let outputRun = call.outputShape.dimensions[axis...].reduce(1, *)
        var start = 0
        for (input, shape) in call.inputShapes.enumerated() {
            let run = shape.dimensions[axis...].reduce(1, *)
            for block in 0..<outer { body(input, block * run, block * outputRun + start, run) }
            start += run
        }
    }
}

/// Keras' functional form of `Concatenate`.
public func concatenate(_ inputs: [SymbolicTensor], axis: Int = -1, name: String? = nil) -> SymbolicTensor {
    Concatenate(axis: axis, name: name)(inputs)
}
