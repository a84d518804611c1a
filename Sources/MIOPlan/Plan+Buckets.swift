extension Plan {
    /// What a bucket holds, by names that people know.
    package struct BucketContent: Hashable, Sendable {
        /// The outputs whose losses its gradients come from, in the model's order. One alone for the layers of a head.
        package let outputs: [String]
        /// The layers whose weights' gradients it holds, in the order in which backward completes them.
        package let layers: [String]
    }

    /// Of each bucket, in order.
    package var bucketContents: [BucketContent] {
        let sources = outputs.map { $0.gradient == .none ? [] : operations(leadingTo: $0.tensor) }
        let trained = weights.filter(\.trainable)
        return buckets.map { bucket in
            let held = trained.filter { bucket.range.contains($0.offset) }
            let places = Set(held.compactMap { weight in weights.firstIndex { $0.index == weight.index } })
            let users = operations.indices.filter { !places.isDisjoint(with: operations[$0].weights) }
            var layers: [String] = []
            for weight in held where !layers.contains(weight.layer) { layers.append(weight.layer) }
            return BucketContent(
                outputs: zip(outputs, sources).filter { !$1.isDisjoint(with: users) }.map(\.0.name),
                layers: layers)
        }
    }

    /// The operations that a tensor is computed by.
    private func operations(leadingTo tensor: Int) -> Set<Int> {
        var wanted: Set<Int> = [tensors[tensor].root]
        var found: Set<Int> = []
        for index in operations.indices.reversed()
        where operations[index].outputs.contains(where: { wanted.contains(tensors[$0].root) }) {
            found.insert(index)
            for input in operations[index].inputs { wanted.insert(tensors[input].root) }
        }
        return found
    }
}

extension Plan.WeightPlan {
    /// `encoder/conv1` of `encoder/conv1/kernel`.
    fileprivate var layer: String {
        name.lastIndex(of: "/").map { String(name[..<$0]) } ?? name
    }
}
