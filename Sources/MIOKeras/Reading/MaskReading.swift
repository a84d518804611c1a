import MIOBase
import MIOConfig
import MIOGraph

/// Masks, which are operations of their own in files of Keras 3: mio makes the same of the layers that they come from.
extension ModelReading {
    /// Operations by which Keras makes masks of masks and inputs.
    private static let maskOperations: Set<String> = [
        "NotEqual", "Any", "All", "LogicalAnd", "LogicalOr", "Concatenate", "ExpandDims", "Squeeze",
        "Reshape", "Cast", "ConvertToTensor",
        "OnesLike", "BroadcastTo", "Tile", "Repeat", "GetItem", "Flatten", "Transpose", "Stack",
    ]

    /// Those of them that give truth values whatever they are given.
    private static let comparisons: Set<String> = ["NotEqual", "Any", "All", "LogicalAnd", "LogicalOr"]

    /// The operations whose results are truth values.
    static func masks(among layers: [KerasLayer]) -> Set<String> {
        let truths = Set(
            layers.flatMap { $0.calls.flatMap(\.specs) }.filter { $0.value.dtype == "bool" }.map(\.key.layer))
        return Set(
            layers.filter { layer in
                guard layer.isOperation, maskOperations.contains(layer.className) else { return false }
                let given = layer.calls.flatMap(\.specs.values)
                return truths.contains(layer.name) || comparisons.contains(layer.className)
                    || !given.isEmpty && given.allSatisfy { $0.dtype == "bool" }
            }.map(\.name))
    }

    /// The masks that are computed with as with numbers: those that something else than a mask takes, other than as its mask.
    static func numbers(
        among masks: Set<String>, layers: [KerasLayer], outputs: [KerasCall.Tensor]
    ) -> Set<String> {
        let sources = Dictionary(layers.map { ($0.name, $0.calls.flatMap(\.tensors).map(\.layer)) }) {
            first, _ in first
        }
        var pending =
            outputs.map(\.layer)
            + layers.filter { !masks.contains($0.name) }.flatMap { sources[$0.name] ?? [] }
        var found: Set<String> = []
        while let name = pending.popLast() {
            guard masks.contains(name), found.insert(name).inserted else { continue }
            pending += sources[name] ?? []
        }
        return found
    }

    /// Whether a mask leaves out nothing, whatever the data: as Keras makes it where one of the tensors that are joined along
    /// their last axis has no mask.
    /// - Parameter layers: all of the model, by their names.
    static func holdsEverywhere(_ mask: String, among layers: [String: KerasLayer]) -> Bool {
        guard let operation = layers[mask] else { return false }
        let sources = operation.calls.flatMap(\.tensors).map(\.layer)
        func holds(_ source: String) -> Bool { holdsEverywhere(source, among: layers) }
        switch operation.className {
        case "OnesLike": return true
        case "LogicalOr": return sources.contains(where: holds)
        case "Any":
            // One element in which it holds is enough.
            return sources.contains { source in
                guard let joined = layers[source], joined.className == "Concatenate" else {
                    return holds(source)
                }
                return joined.calls.flatMap(\.tensors).contains { holds($0.layer) }
            }
        default:
            return maskOperations.contains(operation.className) && operation.className != "NotEqual"
                && !sources.isEmpty && sources.allSatisfy(holds)
        }
    }

    /// A layer that the file gives a mask must have one in mio.
    mutating func verifyMasks(_ graph: Graph) {
        for (path, place) in masked {
            let nodes = graph.nodes.filter { graph.layers[$0.layer].name == path }
            let hasMask = nodes.isEmpty || nodes.contains { $0.inputs.contains { graph.mask(of: $0) != nil } }
            guard !hasMask else { continue }
            note(
                place,
                "is called with a mask of its own making; mio takes masks from Masking and Embedding(mask_zero=True)"
            )
        }
    }
}
