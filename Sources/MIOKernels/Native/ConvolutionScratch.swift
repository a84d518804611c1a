import COneDNN

/// The memory a convolution needs beside its tensors, in 32-bit elements.
extension Convolution {
    /// The input in the order forward reads it, if that is not the plan's.
    var workspaceElements: Int { source == input ? 0 : source.elements }

    /// What one pass needs besides the primitive's own scratch: temporary tensors, one after another.
    struct Scratch {
        var own = 0
        /// The weights as the primitive reads them, or their gradient as it makes it.
        var first = 0
        /// A gradient as it is kept, to add it.
        var second = 0
        /// The input in the primitive's numbers.
        var source = 0

        var sourceOffset: Int { own + first + second }
        var total: Int { sourceOffset + source }
    }

    private func sourceElements(_ descriptor: PrimitiveDescriptor) -> Int {
        let needed = descriptor.memory(dnnl_query_src_md)
        return needed == source ? 0 : needed.elements
    }

    var forwardScratch: Scratch {
        let needed = forward.memory(dnnl_query_weights_md)
        return Scratch(
            own: forward.scratch.elements, first: needed == weights ? 0 : needed.elements,
            source: sourceElements(forward))
    }

    /// The gradient as oneDNN makes it, and as it is kept, to add it.
    var backwardWeightsScratch: Scratch {
        guard let backwardWeights else { return Scratch() }
        let made = backwardWeights.memory(dnnl_query_diff_weights_md)
        return Scratch(
            own: backwardWeights.scratch.elements, first: made.elements,
            second: made == weights ? 0 : weights.elements, source: sourceElements(backwardWeights))
    }

    /// The weights in the order oneDNN wants them, and the gradient as it makes it.
    /// - Parameter adds: whether the gradient is added to what others put there.
    func backwardDataScratch(adds: Bool) -> Scratch {
        guard let backwardData else { return Scratch() }
        let needed = backwardData.memory(dnnl_query_weights_md)
        let made = backwardData.memory(dnnl_query_diff_src_md)
        let temporary = (adds || !(made == input) ? made.elements : 0)
        return Scratch(
            own: backwardData.scratch.elements, first: needed == weights ? 0 : needed.elements,
            second: temporary + (adds && !(made == input) ? input.elements : 0))
    }

    /// The output's gradient in other numbers than the plan's; both gradients that want it read the same copy.
    var gradientCopy: MemoryDescriptor? {
        for descriptor in [backwardWeights, backwardData] {
            if let needed = descriptor?.memory(dnnl_query_diff_dst_md), !(needed == output) { return needed }
        }
        return nil
    }

    /// Behind what either gradient needs.
    func gradientCopyOffset(addsInputGradient adds: Bool) -> Int {
        max(backwardWeightsScratch.total, backwardDataScratch(adds: adds).total)
    }

    func scratchElements(addsInputGradient adds: Bool) -> Int {
        max(
            forwardScratch.total,
            gradientCopyOffset(addsInputGradient: adds) + (gradientCopy?.elements ?? 0))
    }
}
