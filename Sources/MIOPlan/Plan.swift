import MIOBase
import MIOGraph

/// Everything a step does, decided before the first one: operations, layouts, memory, the order of the
/// gradients and their reduction.
///
/// A value: ranks compare its description, tests look at it without a buffer.
public struct Plan: Sendable {
    /// A tensor of the step, `samples` of which lie one after another.
    public struct TensorPlan: Hashable, Sendable {
        public let name: String
        /// Of one sample.
        public let shape: Shape
        public let layout: Layout
        /// Elements one sample takes.
        public let elements: Int
        /// Where its values begin in the arena.
        public let offset: Int
        /// Where its gradient begins in the arena; `nil` if nothing needs it.
        public let gradientOffset: Int?
        /// The tensor that this one is under another shape; itself, if it is none.
        public let root: Int
    }

    /// What an operation does.
    public enum Work: Sendable {
        /// Calls a layer. `node` is its number in the graph.
        case layer(any Layer, node: Int, choice: KernelChoice)
        /// Writes which positions count, of the model's inputs that it reads: 1 or 0.
        case mask(Mask)
        /// Copies its input into another layout.
        case reorder
    }

    public struct Operation: Sendable {
        public let name: String
        public let work: Work
        /// Indices into `tensors`.
        public let inputs: [Int]
        /// The tensor of each input's mask, if it has one; empty if the operation reads none.
        public let masks: [Int?]
        public let outputs: [Int]
        /// The first one.
        public var output: Int { outputs[0] }
        /// Indices into `parameters`.
        public let weights: [Int]
        /// Whether a loss depends on an output by way of something that is trained.
        public let hasBackward: Bool
        /// For each input: whether backward gives it a gradient, and whether another operation has done so
        /// before, so that this one adds.
        public let inputGradients: [GradientFlow]
        /// For each weight: whether it is trained, and whether another call contributes before this one.
        public let weightGradients: [GradientFlow]
        /// For each input: the operation whose relu's and bias' backward this one does on the way, in the input's
        /// memory.
        public let passesReluOf: [Int?]
        /// Whether another operation has done this one's: its output's gradient comes multiplied by f′.
        public let reluIsPassed: Bool
        public let scratchOffset: Int
        public let workspaceOffset: Int
        /// Which of the numbers that are summed over the whole batch it needs for forward and for backward; empty for
        /// none. Only in training.
        public let forwardSums: Range<Int>
        public let backwardSums: Range<Int>
    }

    /// A part of a step's operations that runs without a look at other ranks' samples.
    ///
    /// Before its forward the numbers in `forwardSums` are added up over the global batch: those of the operations that
    /// begin it. In backward they come last, after the numbers in `backwardSums` were added up.
    public struct Stage: Hashable, Sendable {
        public let operations: Range<Int>
        /// Those that need sums: the first ones.
        public let summing: Range<Int>
        public let forwardSums: Range<Int>
        public let backwardSums: Range<Int>
    }

    public enum GradientFlow: String, Hashable, Sendable { case none, first, adds }

    /// A weight and its place in the slabs of weights, gradients and optimizer state.
    public struct ParameterPlan: Hashable, Sendable {
        /// `conv1/kernel`
        public let name: String
        /// Index in `Graph.parameters`.
        public let index: Int
        /// Keras' shape.
        public let shape: Shape
        public let layout: String
        public let offset: Int
        /// Elements in the slab; at least `shape.count`.
        public let elements: Int
        /// Untrained weights lie behind the trained ones and have no gradient.
        public let trainable: Bool
        /// Whether lanes list the rows that have a gradient; such weights are the last trained ones.
        public let listsRows: Bool
        /// The operation that loads and saves it: it knows the layout.
        public let owner: Int
        public var range: Range<Int> { offset..<offset + elements }
    }

    /// An output: where the loss attaches.
    public struct Head: Hashable, Sendable {
        public let name: String
        /// The tensor a loss reads: logits if `absorbed` is set, else the output's values.
        public let tensor: Int
        /// The final activation that the loss computes itself, from logits.
        public let absorbed: Activation?
        /// The output's values as users see them; the head writes them if `absorbed` is set.
        public let predictions: Int
        public let shape: Shape
        /// Whether the loss' gradient goes into `tensor`'s first, or is added to what others put there.
        public let gradient: GradientFlow
    }

    /// A part of the gradient slab that is reduced in one go.
    public struct Bucket: Hashable, Sendable {
        public let range: Range<Int>
        /// The operation whose backward completes it; −1 if it is complete only when all of a rank's lanes are.
        public let completedBy: Int
    }

    public let backend: String
    /// The most samples a pass has; larger parts of a batch are passed in pieces.
    public let samples: Int
    public let tensors: [TensorPlan]
    /// The tensor each input of the graph is put into.
    public let inputs: [Int]
    public let operations: [Operation]
    public let heads: [Head]
    public let parameters: [ParameterPlan]
    /// Elements of the weight slab, and how many of them, at its start, are trained.
    public let weightElements: Int
    public let trainedElements: Int
    /// Elements at the start of the gradients that each lane has: without those whose rows are listed.
    public var laneElements: Int { parameters.first { $0.listsRows }?.offset ?? trainedElements }
    public let buckets: [Bucket]
    /// Elements of the arena that holds values, gradients, scratch and workspaces.
    public let arenaElements: Int
    /// In the order of forward; at least one. Those after the first begin with sums over the batch.
    public let stages: [Stage]
    /// Numbers that a step adds up over the batch for its stages.
    public let batchSumCount: Int
}

extension Plan: CustomStringConvertible {
    /// One line a fact: what ranks compare.
    public var description: String {
        var lines = ["backend \(backend), \(samples) samples a pass, arena of \(arenaElements) elements"]
        for (index, tensor) in tensors.enumerated() {
            lines.append(
                "tensor \(index) \(tensor.name) \(tensor.shape) \(tensor.layout) at \(tensor.offset)"
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
        for head in heads {
            lines.append(
                "head \(head.name): tensor \(head.tensor), \(head.absorbed.map { "from logits of \($0.rawValue)" } ?? "as it is")"
            )
        }
        for parameter in parameters {
            lines.append(
                "parameter \(parameter.name) \(parameter.shape) \(parameter.layout) at \(parameter.range)"
                    + (parameter.trainable ? "" : ", not trained")
                    + (parameter.listsRows ? ", rows listed" : ""))
        }
        for stage in stages.dropFirst() { lines.append("stage of operations \(stage.operations)") }
        for bucket in buckets { lines.append("bucket \(bucket.range) after operation \(bucket.completedBy)") }
        return lines.joined(separator: "\n")
    }
}

extension Plan {
    /// For each weight whose gradient's rows are listed: rows that a sample names, over all calls.
    public var listedRowsOfSample: [Int] {
        parameters.indices.filter { parameters[$0].listsRows }.map { parameter in
            operations.filter { $0.weights.contains(parameter) }
                .reduce(0) { $0 + tensors[$1.inputs[0]].shape.count }
        }
    }
}
