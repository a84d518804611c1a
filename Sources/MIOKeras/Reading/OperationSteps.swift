import MIOBase
import MIOConfig
import MIOGraph

/// Operations in a model that a `TimeDistributed` calls on each step.
extension OperationReading {
    /// Makes a call on each step of sequences.
    /// - Parameter specs: of samples of the sequences, where they are known.
    static func callOnEachStep(
        _ operation: KerasLayer, _ call: KerasCall, number: Int,
        _ tensors: [KerasCall.Tensor: SymbolicTensor], specs: [KerasCall.Tensor: TensorSpec]
    ) throws(CallProblem) -> [SymbolicTensor] {
        var steps: [KerasCall.Tensor: SymbolicTensor] = [:]
        var stepSpecs: [KerasCall.Tensor: TensorSpec] = [:]
        var sequences: [UInt64: SymbolicTensor] = [:]
        for (source, sequence) in tensors {
            // The file has the shapes of a step.
            let axes = call.specs[source]?.shape.dropFirst() ?? []
            let known = axes.compactMap(\.self)
            guard
                let shape = specs[source]?.ofStep.shape
                    ?? (known.isEmpty || known.count < axes.count ? nil : Shape(known)), shape.rank > 0
            else {
                throw CallProblem(
                    "is called on each step of a sequence, and the file leaves open of what shape")
            }
            let step = Input("step", shape: shape)
            steps[source] = step
            stepSpecs[source] = TensorSpec(shape, specs[source]?.element ?? .float32)
            sequences[step.callNumber] = sequence
        }
        var made: [UInt64: SymbolicTensor] = [:]
        let results = try self.results(operation, call, number: number, steps, specs: stepSpecs).map {
            $0.onEachStep(of: sequences, &made)
        }
        for result in results { result.joinCalls(since: Array(tensors.values)) }
        return results
    }
}

extension TensorSpec {
    /// Of one step of a sequence.
    var ofStep: TensorSpec { TensorSpec(Shape(Array(shape.dimensions.dropFirst())), element) }

    /// Of a sequence of such steps.
    func repeated(_ steps: Int) -> TensorSpec {
        TensorSpec(Shape([steps] + shape.dimensions), element)
    }
}
