import MIOConfig
import MIOGraph

/// Casts of real numbers to whole ones. An Embedding cuts fractions off itself, so that those casts whose results only
/// Embeddings read can be left out.
extension ModelReading {
    /// What may stand between a cast and an Embedding: it only moves elements.
    private static let movingClasses: Set<String> = [
        "GetItem", "Reshape", "ExpandDims", "Squeeze", "Flatten", "Permute", "RepeatVector", "Transpose",
        "Concatenate", "Stack", "Split", "Identity", "ConvertToTensor",
    ]

    /// The casts to whole numbers that nothing but Embeddings read.
    /// - Parameter outputs: of the model.
    static func castsForEmbeddings(among layers: [KerasLayer], outputs: [KerasCall.Tensor]) -> Set<String> {
        let casts = Set(layers.filter(\.castsToIntegers).map(\.name))
        guard !casts.isEmpty else { return [] }
        let sources = Dictionary(layers.map { ($0.name, $0.calls.flatMap(\.tensors).map(\.layer)) }) {
            first, _ in first
        }
        // From those that compute with numbers, or are read by others, back to where the numbers come from.
        var pending = outputs.map(\.layer)
        var read: Set<String> = []
        var passing: Set<String> = []
        for layer in layers {
            read.formUnion(sources[layer.name] ?? [])
            if casts.contains(layer.name) || movingClasses.contains(layer.className) {
                passing.insert(layer.name)
            } else if layer.className != "Embedding" {
                pending += sources[layer.name] ?? []
            }
        }
        var computedWith: Set<String> = []
        while let name = pending.popLast() {
            guard computedWith.insert(name).inserted, passing.contains(name) else { continue }
            pending += sources[name] ?? []
        }
        return casts.intersection(read).subtracting(computedWith)
    }
}

/// Whole numbers that layers compute with, which Keras makes real ones by itself.
enum IntegerCasts {
    /// What a call is given if it cannot be given whole numbers, but the same as real ones.
    /// - Parameter results: of the call.
    /// - Returns: `nil` if it can be, or if that does not help.
    static func realSpecs(_ specs: [TensorSpec], results: ([TensorSpec]) throws -> [TensorSpec])
        -> [TensorSpec]?
    {
        let real = specs.map { TensorSpec($0.shape) }
        guard real != specs, (try? results(specs)) == nil, (try? results(real)) != nil else { return nil }
        return real
    }

    /// The whole numbers of a call's argument as real ones.
    static func real(_ tensor: SymbolicTensor, of layer: String, call: Int, argument: Int) -> SymbolicTensor {
        let part = call == 0 ? "" : "_call_\(call)"
        return Rescaling(1, name: "\(layer)\(part)_real_\(argument)")(tensor)
    }
}

extension KerasLayer {
    /// Whether it makes whole numbers of what it is given.
    fileprivate var castsToIntegers: Bool {
        guard className == "Cast", case .string(let name)? = config["dtype"] else { return false }
        return TensorElement.namesOfIntegers.contains(name)
    }
}
