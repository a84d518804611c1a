import MIOBase
import MIOGraph

/// Everything a step does, decided before the first one: operations, layouts, memory, the order of the
/// gradients and their reduction.
///
/// A value: ranks compare its description, tests look at it without a buffer.
@usableFromInline
package struct Plan: Sendable {
    /// A tensor of the step, `samples` of which lie one after another.
    package struct TensorPlan: Hashable, Sendable {
        package let name: String
        /// Of one sample.
        package let shape: Shape
        /// What its elements are. Gradients are 32-bit floats.
        package let element: TensorElement
        package let layout: Layout
        /// Elements one sample takes.
        package let elements: Int
        /// The byte of the arena at which its values begin.
        package let offset: Int
        /// The byte of the arena at which its gradient begins; `nil` if nothing needs it.
        package let gradientOffset: Int?
        /// The tensor that this one is under another shape; itself, if it is none.
        package let root: Int
    }

    /// What an operation does.
    package enum Work: Sendable {
        /// Calls a layer. `node` is its number in the graph.
        case layer(any Layer, node: Int, choice: KernelChoice)
        /// Writes which positions count, of the model's inputs that it reads: 1 or 0.
        case mask(Mask)
        /// Copies its input into another layout.
        case reorder
    }

    package struct Operation: Sendable {
        package let name: String
        package let work: Work
        /// Indices into `tensors`.
        package let inputs: [Int]
        /// The tensor of each input's mask, if it has one; empty if the operation reads none.
        package let masks: [Int?]
        package let outputs: [Int]
        /// The first one.
        package var output: Int { outputs[0] }
        /// Indices into `weights`.
        package let weights: [Int]
        /// Whether a loss depends on an output by way of something that is trained.
        package let hasBackward: Bool
        /// For each input: whether backward gives it a gradient, and whether another operation has done so
        /// before, so that this one adds.
        package let inputGradients: [GradientFlow]
        /// For each weight: whether it is trained, and whether another call contributes before this one.
        package let weightGradients: [GradientFlow]
        /// For each input: the operation whose relu's and bias' backward this one does on the way, in the input's
        /// memory.
        package let passesReluOf: [Int?]
        /// Whether another operation has done this one's: its output's gradient comes multiplied by f′.
        package let reluIsPassed: Bool
        /// Bytes of the arena.
        package let scratchOffset: Int
        package let workspaceOffset: Int
        /// Which of the numbers that are summed over the whole batch it needs for forward and for backward; empty for
        /// none. Only in training.
        package let forwardSums: Range<Int>
        package let backwardSums: Range<Int>
    }

    /// A part of a step's operations that runs without a look at other ranks' samples.
    ///
    /// Before its forward the numbers in `forwardSums` are added up over the global batch: those of the operations that
    /// begin it, or in a last stage without operations those of the losses. In backward they come last, after the numbers in `backwardSums` were added up.
    package struct Stage: Hashable, Sendable {
        package let operations: Range<Int>
        /// Those that need sums: the first ones.
        package let summing: Range<Int>
        package let forwardSums: Range<Int>
        package let backwardSums: Range<Int>
    }

    @usableFromInline
    package enum GradientFlow: String, Hashable, Sendable { case none, first, adds }

    /// A weight and its place in the slabs of weights, gradients and optimizer state.
    package struct WeightPlan: Hashable, Sendable {
        /// `conv1/kernel`
        package let name: String
        /// Index in `Graph.weights`.
        package let index: Int
        /// Keras' shape.
        package let shape: Shape
        package let layout: String
        package let offset: Int
        /// Elements in the slab; at least `shape.count`.
        package let elements: Int
        /// Untrained weights lie behind the trained ones and have no gradient.
        package let trainable: Bool
        /// Whether lanes list the rows that have a gradient; such weights are the last trained ones.
        package let listsRows: Bool
        /// The operation that loads and saves it: it knows the layout.
        package let owner: Int
        package var range: Range<Int> { offset..<offset + elements }
    }

    /// Where an output's loss attaches.
    package struct Output: Hashable, Sendable {
        package let name: String
        /// The tensor a loss reads: logits if `absorbed` is set, else the output's values.
        package let tensor: Int
        /// The final activation that the loss computes itself, from logits.
        package let absorbed: Activation?
        /// The output's values as users see them; the loss writes them if `absorbed` is set.
        package let predictions: Int
        package let shape: Shape
        /// Whether the loss' gradient goes into `tensor`'s first, or is added to what others put there.
        package let gradient: GradientFlow
        /// Which of the numbers that are summed over the whole batch its loss needs; empty for none. Only in training.
        package let lossSums: Range<Int>
    }

    /// A term of the loss made of a tensor: the sum of a regularizer over its samples, divided by those of the batch.
    package struct Activity: Sendable {
        package let name: String
        package let tensor: Int
        package let regularizer: any Regularizer
        /// Whether the term's gradient goes into `tensor`'s first, or is added to what outputs put there.
        package let gradient: GradientFlow
    }

    /// A part of the gradient slab that is reduced in one go.
    package struct Bucket: Hashable, Sendable {
        package let range: Range<Int>
        /// The operation whose backward completes it; −1 if it is complete only when all of a rank's lanes are.
        package let completedBy: Int
    }

    package let backend: String
    /// The most samples a pass has; larger parts of a batch are passed in pieces.
    package let samples: Int
    package let tensors: [TensorPlan]
    /// The tensor each input of the graph is put into.
    package let inputs: [Int]
    package let operations: [Operation]
    package let outputs: [Output]
    package let activities: [Activity]
    package let weights: [WeightPlan]
    /// Elements of the weight slab, and how many of them, at its start, are trained.
    package let weightElements: Int
    package let trainedElements: Int
    /// Elements at the start of the gradients that each lane has: without those whose rows are listed.
    package var laneElements: Int { weights.first { $0.listsRows }?.offset ?? trainedElements }
    package let buckets: [Bucket]
    /// Bytes of the arena that holds values, gradients, scratch and workspaces.
    package let arenaBytes: Int
    /// In the order of forward; at least one. Those after the first begin with sums over the batch.
    package let stages: [Stage]
    /// Numbers that a step adds up over the batch for its stages.
    package let batchSumCount: Int
}

extension Plan: CustomStringConvertible {
    /// One line a fact: what ranks compare.
    @usableFromInline package var description: String {
        var lines = ["backend \(backend), \(samples) samples a pass, arena of \(arenaBytes) bytes"]
        for (index, tensor) in tensors.enumerated() {
            lines.append(
                "tensor \(index) \(tensor.name) \(TensorSpec(tensor.shape, tensor.element)) \(tensor.layout) at byte \(tensor.offset)"
                    + (tensor.gradientOffset.map { ", gradient at \($0)" } ?? ""))
        }
        for (index, operation) in operations.enumerated() {
            var line = "operation \(index) \(operation.name): \(operation.inputs) -> \(operation.output)"
            if case .layer(_, _, let choice) = operation.work { line += ", " + choice.algorithm }
            line += ", gradients \(operation.inputGradients.map(\.rawValue))"
            let passed = operation.passesReluOf.compactMap(\.self)
            if !passed.isEmpty { line += ", with the relu of \(passed)" }
            lines.append(line)
        }
        for output in outputs {
            lines.append(
                "output \(output.name): tensor \(output.tensor), \(output.absorbed.map { "from logits of \($0.rawValue)" } ?? "as it is")"
            )
        }
        for activity in activities {
            lines.append(
                "activity \(activity.name): tensor \(activity.tensor), \(activity.regularizer.config.json()), "
                    + "gradient \(activity.gradient.rawValue)")
        }
        for weight in weights {
            lines.append(
                "weight \(weight.name) \(weight.shape) \(weight.layout) at \(weight.range)"
                    + (weight.trainable ? "" : ", not trained")
                    + (weight.listsRows ? ", rows listed" : ""))
        }
        for stage in stages.dropFirst() { lines.append("stage of operations \(stage.operations)") }
        for output in outputs where !output.lossSums.isEmpty {
            lines.append("the loss of \(output.name) needs the sums \(output.lossSums)")
        }
        for bucket in buckets { lines.append("bucket \(bucket.range) after operation \(bucket.completedBy)") }
        return lines.joined(separator: "\n")
    }
}

extension Plan {
    /// For each weight whose gradient's rows are listed: rows that a sample names, over all calls.
    package var listedRowsOfSample: [Int] {
        weights.indices.filter { weights[$0].listsRows }.map { weight in
            operations.filter { $0.weights.contains(weight) }
                .reduce(0) { $0 + tensors[$1.inputs[0]].shape.count }
        }
    }
}
