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
        for (key, value) in call.named {
            if case .constant(let constant) = value {
                switch (key, constant) {
                case (_, .null): continue
                // Keras 3 gives every layer of a functional model what the model is called with, whatever stands here.
                case ("training", .boolean) where !call.isLegacy: continue
                case ("training", false): isInference = true
                case ("training", true):
                    throw CallProblem(
                        "is called with training=True, also where the model predicts; mio decides by what the model does. Leave the argument out"
                    )
                // The defaults of MultiHeadAttention and RNNs.
                case ("return_attention_scores", false), ("use_causal_mask", false): continue
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
