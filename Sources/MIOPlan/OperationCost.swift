import MIOBase
import MIOGraph

/// What an operation has to compute and to move, whoever runs it: the measure that its time is held against.
///
/// Arithmetic is counted as it is written down: a product of matrices (n, m) · (m,) takes 2nm operations, a
/// convolution 2 · window · channels · filters for each output pixel. Biases and activations are not counted where
/// there are products. An algorithm that needs fewer operations (Winograd's convolutions) then shows as faster than
/// the processor's peak. Bytes are those of tensors read and written once. Of a table of which a sample reads few rows, these
/// rows are counted with the sample's values.
package struct OperationCost: Hashable, Sendable {
    /// One direction, or one part of it.
    package struct Part: Hashable, Sendable {
        /// Operations a sample.
        package var flops: Int
        /// Bytes of values and their gradients a sample.
        package var bytes: Int
        /// Bytes of weights and their gradients, however many samples a pass has.
        package var weightBytes: Int

        package init(flops: Int = 0, bytes: Int = 0, weightBytes: Int = 0) {
            self.flops = flops
            self.bytes = bytes
            self.weightBytes = weightBytes
        }

        package static func + (a: Part, b: Part) -> Part {
            Part(
                flops: a.flops.clampedPlus(b.flops), bytes: a.bytes.clampedPlus(b.bytes),
                weightBytes: a.weightBytes.clampedPlus(b.weightBytes))
        }
    }

    /// y from x and the weights.
    package let forward: Part
    /// The weights' gradients from x and dy; nothing if no weight is trained.
    package let backwardWeights: Part
    /// dx from dy and the weights; nothing if nobody needs it.
    package let backwardInputs: Part
    package var backward: Part { backwardWeights + backwardInputs }
    /// Operations a sample, there and back.
    package var flops: Int { forward.flops.clampedPlus(backward.flops) }

    /// - Parameter operation: of the plan.
    package init(_ operation: Plan.Operation, in plan: Plan) {
        let shapes = operation.inputs.map { plan.tensors[$0].shape }
        let inputs = shapes.map(\.count)
        let inputBytes = operation.inputs.map {
            plan.tensors[$0].shape.count.clampedTimes(plan.tensors[$0].element.byteCount)
        }
        let outputShape = plan.tensors[operation.output].shape
        let output = operation.outputs.reduce(0) { $0.clampedPlus(plan.tensors[$1].shape.count) }
        let flops: [LayerFlops] =
            switch operation.work {
            case .reorder, .mask: shapes.map { _ in LayerFlops(0) }
            case .layer(let layer, _, _):
                shapes.indices.map { layer.flops(ofInput: $0, of: shapes, output: outputShape) }
            }
        let rows: Int? =
            if case .layer(let layer, _, _) = operation.work {
                layer.weightElementsOfSample(for: shapes)
            } else { nil }
        let weights = operation.weights.map { plan.weights[$0].shape.count }
        let needed = inputs.indices.filter { operation.inputGradients[$0] != .none }
        let trained = zip(weights, operation.weightGradients).filter { $1 != .none }.map(\.0)
        func sum(_ counts: [Int]) -> Int { counts.reduce(0) { $0.clampedPlus($1) } }
        func bytes(_ elements: Int...) -> Int { sum(elements).clampedTimes(MemoryLayout<Float>.stride) }

        forward = Part(
            flops: sum(flops.map(\.forward)),
            bytes: sum(inputBytes).clampedPlus(bytes(output, rows ?? 0)),
            weightBytes: rows == nil ? bytes(sum(weights)) : 0)
        guard operation.hasBackward else {
            backwardWeights = Part()
            backwardInputs = Part()
            return
        }
        // A gradient whose rows are listed has no others.
        let listed = operation.weights.contains { plan.weights[$0].listsRows } ? rows : nil
        backwardWeights =
            trained.isEmpty
            ? Part()
            : Part(
                flops: sum(flops.map(\.forward)),
                bytes: sum(inputBytes).clampedPlus(bytes(output, listed ?? 0)),
                weightBytes: listed == nil ? bytes(sum(trained)) : 0)
        backwardInputs =
            needed.isEmpty
            ? Part()
            : Part(
                flops: sum(needed.map { flops[$0].backward }),
                bytes: bytes(sum(needed.map { inputs[$0] }), output),
                weightBytes: bytes(sum(weights)))
    }
}

extension Plan {
    /// What each operation costs, in their order.
    package var costs: [OperationCost] { operations.map { OperationCost($0, in: self) } }

    /// Operations that a training step takes for each sample of its batch: forward and backward, without losses
    /// and the optimizer.
    package var flopsPerSample: Int { costs.reduce(0) { $0.clampedPlus($1.flops) } }
}
