/// The memory a convolution needs beside its tensors, in 32-bit elements.
extension Convolution {
    /// The input in the order forward reads it, if that is not the plan's.
    var workspaceElements: Int { source == input ? 0 : source.elements }

    /// What one pass needs besides the implementation's own scratch: temporary tensors, one after another.
    struct Scratch {
        var own = 0
        /// The weights as the pass reads them, or their gradient as it makes it.
        var first = 0
        /// A gradient as it is kept, to add it.
        var second = 0
        /// The input in the pass' numbers.
        var source = 0

        var sourceOffset: Int { own + first + second }
        var total: Int { sourceOffset + source }
    }

    private func sourceElements(_ work: ConvolutionWork) -> Int {
        work.input == source ? 0 : work.input.elements
    }

    var forwardScratch: Scratch {
        Scratch(
            own: forward.scratchElements, first: forward.weights == weights ? 0 : forward.weights.elements,
            source: sourceElements(forward))
    }

    /// The gradient as it is made, and as it is kept, to add it.
    var backwardWeightsScratch: Scratch {
        guard let backwardWeights else { return Scratch() }
        let made = backwardWeights.weights
        return Scratch(
            own: backwardWeights.scratchElements, first: made.elements,
            second: made == weights ? 0 : weights.elements, source: sourceElements(backwardWeights))
    }

    /// The weights in the order they are wanted, and the gradient as it is made.
    /// - Parameter adds: whether the gradient is added to what others put there.
    func backwardDataScratch(adds: Bool) -> Scratch {
        guard let backwardData else { return Scratch() }
        let (needed, made) = (backwardData.weights, backwardData.input)
        let temporary = (adds || !(made == input) ? made.elements : 0)
        return Scratch(
            own: backwardData.scratchElements, first: needed == weights ? 0 : needed.elements,
            second: temporary + (adds && !(made == input) ? input.elements : 0))
    }

    /// The output's gradient in other numbers than the plan's; both gradients that want it read the same copy.
    var gradientCopy: MemoryDescriptor? {
        for work in [backwardWeights, backwardData] {
            if let needed = work?.output, !(needed == output) { return needed }
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
