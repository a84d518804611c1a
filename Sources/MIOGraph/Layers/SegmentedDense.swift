import MIOBase
import MIOConfig

/// A Dense on vectors that a Concatenate would put side by side, read where they lie.
///
/// y = activation(Σᵢ xᵢ · kernelᵢ + bias); xᵢ (nᵢ,); kernel (Σ nᵢ, units), kernelᵢ its rows from Σ nⱼ, j < i.
/// The plan makes it of a Concatenate and the Dense behind it; no job names it.
package struct SegmentedDense: Layer {
    package static var className: String { "SegmentedDense" }
    package var dense: Dense

    package init(_ dense: Dense) { self.dense = dense }

    package init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.init(try Dense(attributes: attributes, config: &config))
    }

    /// The name, and whether the weights are trained.
    package var attributes: LayerAttributes { dense.attributes }
    package var config: ConfigDictionary { dense.config }
    package var outputActivation: Activation? { dense.activation }

    package var withoutActivation: (any Layer)? {
        var linear = self
        linear.dense.activation = .linear
        return linear
    }

    package func flops(ofInput input: Int, of inputs: [Shape], output: Shape) -> LayerFlops {
        dense.flops(ofInput: input, of: inputs, output: output)
    }

    package func memory(for inputs: [Shape], output: Shape) -> LayerMemory {
        dense.memory(for: inputs, output: output)
    }

    private func joined(_ inputs: [Shape]) -> [Shape] { [[inputs.reduce(0) { $0 + $1.count }]] }

    package func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.allSatisfy({ $0.rank == 1 }) else {
            throw ShapeError(expected: "vectors", received: inputs)
        }
        return try dense.outputShape(for: joined(inputs))
    }

    package func weights(for inputs: [Shape]) -> [WeightDescription] { dense.weights(for: joined(inputs)) }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    package func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let units = dense.units
        for sample in 0..<call.samples {
            let y = call.output + sample * units
            for unit in 0..<units { y[unit] = dense.useBias ? call.weights[1][unit] : 0 }
            var row = 0
            for (x, shape) in zip(call.inputs, call.inputShapes) {
                for i in 0..<shape.count {
                    let value = x[sample * shape.count + i]
                    for unit in 0..<units { y[unit] += value * call.weights[0][(row + i) * units + unit] }
                }
                row += shape.count
            }
        }
        applyActivation(dense.activation, call, rows: call.samples, width: units)
    }

    @_specialize(where T == Float)
    @_specialize(where T == Double)
    package func backward<T: Scalar>(_ call: BackwardCall<T>) {
        let units = dense.units
        withActivationGradient(dense.activation, call, rows: call.samples, width: units) { dz in
            for sample in 0..<call.samples {
                let gradient = dz + sample * units
                if dense.useBias, let dBias = call.weightGradients[1] {
                    for unit in 0..<units { dBias[unit] += gradient[unit] }
                }
                var row = 0
                for (input, shape) in call.forward.inputShapes.enumerated() {
                    let x = call.forward.inputs[input] + sample * shape.count
                    let dx = call.inputGradients[input].map { $0 + sample * shape.count }
                    for i in 0..<shape.count {
                        let start = (row + i) * units
                        for unit in 0..<units {
                            dx?[i] += gradient[unit] * call.forward.weights[0][start + unit]
                            call.weightGradients[0]?[start + unit] += gradient[unit] * x[i]
                        }
                    }
                    row += shape.count
                }
            }
        }
    }
}
