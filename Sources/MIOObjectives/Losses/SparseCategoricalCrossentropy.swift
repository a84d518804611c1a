import CDenseLoops
import MIOBase
import MIOConfig
import MIOGraph

/// The crossentropy of one choice among classes, with a class index k as the target.
///
/// Of probabilities p, with q = p ÷ Σp and c = q clipped to [ε, 1 − ε], ε = 1e-7:
///
///     loss = −log(c_k)
///     ∂loss/∂pⱼ = (q_k − [j = k]) ÷ (c_k·Σp), 0 where q_k was clipped
///
/// and of logits x, with lse = log Σ exp(xᵢ):
///
///     loss = lse − x_k
///     ∂loss/∂xⱼ = softmax(x)ⱼ − [j = k]
///
/// Source: https://keras.io/api/losses/probabilistic_losses/#sparsecategoricalcrossentropy-class; of
/// probabilities, Keras on JAX and on PyTorch (on TensorFlow it clips before it normalizes).
public struct SparseCategoricalCrossentropy: Loss, Hashable {
    public static let className = "SparseCategoricalCrossentropy"
    public static let names = ["sparse_categorical_crossentropy"]
    public static var kerasArguments: [KerasArgument] { [.at(-1, named: "axis")] }

    public let fromLogits: Bool
    /// The class that stands for no label, if the output does not say another; its metrics leave such labels out, too.
    public let ignoreClass: Int?
    public let reduction: LossReduction

    /// Keras' arguments, with its defaults.
    public init(
        fromLogits: Bool = false, ignoreClass: Int? = nil, reduction: LossReduction = .sumOverBatchSize
    ) {
        self.fromLogits = fromLogits
        self.ignoreClass = ignoreClass
        self.reduction = reduction
    }

    public init(reading reader: inout ConfigReader) throws(ConfigError) {
        fromLogits = try reader.boolean("from_logits", default: false)
        ignoreClass = try reader.optionalInteger("ignore_class")
        reduction = try LossReduction(reading: &reader)
    }

    public var config: ConfigValue {
        var entries: ConfigDictionary = [
            "class": .string(Self.className), "from_logits": .boolean(fromLogits),
        ]
        if let ignoreClass { entries["ignore_class"] = .integer(ignoreClass) }
        entries["reduction"] = reduction.configValue
        return .dictionary(entries)
    }

    /// What targets are.
    public var targetKind: TargetKind { .classIndex }
    public var isElementwise: Bool { false }
    public var absorbs: Activation? { fromLogits ? nil : .softmax }

    public func readingLogits() -> SparseCategoricalCrossentropy {
        SparseCategoricalCrossentropy(
            fromLogits: true, ignoreClass: ignoreClass, reduction: reduction)
    }

    /// The prediction's shape without its last axis, the classes.
    public func targetShape(forPrediction prediction: Shape) throws(LossShapeError) -> Shape {
        try requireClasses(of: prediction, loss: Self.names[0])
        return Shape(prediction.dimensions.dropLast())
    }

    /// - Precondition: the target of each labelled position is a class index from 0 to `width − 1`.
    @_specialize(where T == Float)
    @_specialize(where T == Double)
    public func forward<T: Scalar>(_ call: LossCall<T>) {
        if fromLogits { forwardLogits(call) } else { forwardProbabilities(call) }
    }

    /// Of probabilities the plain loop: an output's softmax is usually absorbed.
    /// - Precondition: as of `forward`.
    public func forwardNative(_ call: LossCall<Float>) {
        guard fromLogits else { return forward(call) }
        // Infinite targets do not get here: `TargetLabelling.firstFault` has seen them.
        call.inVectors { mio_sparse_crossentropy($0) }
    }

    @inline(__always)
    private func forwardLogits<T: Scalar>(_ call: LossCall<T>) {
        let width = call.width
        for position in 0..<call.positions {
            let isLabelled = call.labelled[position] != 0
            guard isLabelled || call.probabilities != nil else {
                call.skip(position)
                continue
            }
            let logSum = call.softmax(position)
            guard isLabelled else {
                call.skip(position)
                continue
            }
            let offset = position * width
            let index = offset + call.classIndex(position)
            call.losses[position] = logSum - call.predictions[index]
            if let gradient = call.gradient {
                gradient[index] -= 1
                let scale = call.scales[position]
                for index in offset..<offset + width { gradient[index] *= scale }
            }
        }
    }

    @inline(__always)
    private func forwardProbabilities<T: Scalar>(_ call: LossCall<T>) {
        let width = call.width
        let low = T(probabilityEpsilon)
        let high = 1 - low
        for position in 0..<call.positions {
            guard call.labelled[position] != 0 else {
                call.skip(position)
                continue
            }
            let offset = position * width
            let sum = call.sumOfRow(offset) { call.predictions[$0] }
            let index = offset + call.classIndex(position)
            let share = call.predictions[index] / sum
            let clipped = min(max(share, low), high)
            call.losses[position] = -T.log(clipped)
            if let gradient = call.gradient {
                let inside = share >= low && share <= high
                let factor = inside ? call.scales[position] / (clipped * sum) : 0
                (gradient + offset).update(repeating: factor * share, count: width)
                gradient[index] = factor * (share - 1)
            }
        }
    }
}
