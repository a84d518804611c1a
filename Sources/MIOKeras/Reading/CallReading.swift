import MIOBase
import MIOConfig
import MIOGraph

/// Which tensors a call of a layer takes, in mio's order, and whether it is one of inference.
enum CallReading {
    /// Arguments that are tensors, in the order of the layer's `call`, for layers that take several by name.
    private static let order: [String: [String]] = [
        "MultiHeadAttention": ["query", "value", "key"],
        "GroupQueryAttention": ["query", "value", "key"],
    ]

    /// Whether an argument is None, or None for each of several tensors.
    private static func isNothing(_ argument: KerasCall.Argument) -> Bool {
        func isNothing(_ value: ConfigValue) -> Bool {
            switch value {
            case .null: true
            case .list(let items): !items.isEmpty && items.allSatisfy(isNothing)
            default: false
            }
        }
        return switch argument {
        case .constant(let value): isNothing(value)
        case .dictionary(let entries): entries.allSatisfy { self.isNothing($0.value) }
        case .list, .tensor: false
        }
    }

    /// Whether a layer's calls take Keras' `use_causal_mask`.
    static func isCausal(_ className: String) -> Bool {
        ["MultiHeadAttention", "GroupQueryAttention", "Attention", "AdditiveAttention"].contains(className)
    }

    /// What calls say of their layer, as arguments of the layer: `use_causal_mask`.
    /// - Throws: `CallProblem` if they differ.
    static func arguments(of layer: KerasLayer) throws(CallProblem) -> ConfigDictionary {
        guard isCausal(layer.className) else { return [:] }
        let causal = layer.calls.filter { call in
            call.named.contains { key, value in
                if key == "use_causal_mask", case .constant(true) = value { true } else { false }
            }
        }
        if causal.isEmpty { return [:] }
        guard causal.count == layer.calls.count else {
            throw CallProblem(
                "is called with use_causal_mask=True and without it; in mio it is an argument of the layer. Use two layers"
            )
        }
        return ["use_causal_mask": true]
    }

    /// - Throws: `CallProblem` for an argument that mio does not have.
    static func sources(of call: KerasCall, className: String) throws(CallProblem) -> (
        sources: [KerasCall.Tensor], isInference: Bool
    ) {
        var sources = call.arguments.flatMap(\.tensors)
        for argument in call.arguments where argument.isConstant {
            if case .constant(.null) = argument { continue }
            if case .constant(.list(let items)) = argument, items.isEmpty { continue }
            throw CallProblem("is called with a constant in the place of a tensor, which mio does not do")
        }
        var isInference = false
        var named: [(key: String, tensors: [KerasCall.Tensor])] = []
        for (key, value) in call.named where !isNothing(value) {
            if case .constant(let constant) = value {
                switch (key, constant) {
                // Keras 3 gives every layer of a functional model what the model is called with, whatever stands here.
                case ("training", .boolean) where !call.isLegacy: continue
                case ("training", false): isInference = true
                case ("training", true):
                    throw CallProblem(
                        "is called with training=True, also where the model predicts; mio decides by what the model does. Leave the argument out"
                    )
                // The defaults of MultiHeadAttention and RNNs.
                case ("return_attention_scores", false), ("use_causal_mask", false): continue
                // An argument of the layer, in mio.
                case ("use_causal_mask", true) where isCausal(className): continue
                default:
                    throw CallProblem(
                        "is called with \(key)=\(constant.json().shown(most: 80)), which mio does not do")
                }
                continue
            }
            // Masks of Masking and Embedding have been taken away.
            guard key != "mask", !key.hasSuffix("_mask") else {
                throw CallProblem(
                    "is called with \(key), a tensor of its own; mio takes masks from Masking and Embedding(mask_zero=True)"
                )
            }
            named.append((key, value.tensors))
        }
        let known = order[className] ?? ["inputs", "input", "x", "sequence", "initial_state"]
        let ordered = named.sorted { a, b in
            (known.firstIndex(of: a.key) ?? known.count) < (known.firstIndex(of: b.key) ?? known.count)
        }
        if let inputs = ordered.first(where: { ["inputs", "input", "x", "sequence"].contains($0.key) }) {
            sources = inputs.tensors + sources
        }
        for (key, tensors) in ordered where !["inputs", "input", "x", "sequence"].contains(key) {
            sources += tensors
        }
        guard !sources.isEmpty else { throw CallProblem("is called on no tensor") }
        return (sources, isInference)
    }
}
