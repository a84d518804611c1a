/// The memory a convolution needs beside its tensors, in 32-bit elements.
extension Convolution {
    /// The input in the order and numbers forward reads it in, if those are not the plan's.
    var workspaceElements: Int { source == input ? 0 : source.elements }

    /// What one pass needs besides the implementation's own scratch: temporary tensors, one after another.
    struct Scratch {
        var own = 0
        /// The weights as the pass reads them, or their gradient as it makes it.
        var first = 0
        /// A gradient as it is kept, to add it.
        var second = 0
        /// The input in the pass' numbers and order.
        var source = 0
        /// The output as the pass makes it.
        var output = 0

        var sourceOffset: Int { own + first + second }
        var outputOffset: Int { sourceOffset + source }
        var total: Int { outputOffset + output }
    }

    private func sourceElements(_ work: ConvolutionWork) -> Int {
        work.input == source ? 0 : work.input.elements
    }

    var forwardScratch: Scratch {
        Scratch(
            own: forward.scratchElements, first: forward.weights == weights ? 0 : forward.weights.elements,
            source: sourceElements(forward), output: forward.output == output ? 0 : forward.output.elements)
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

    /// The output's gradient in the numbers and orders that the other two read it in, where those are not the plan's: once
    /// if both read the same.
    var gradientCopies: [MemoryDescriptor] {
        var copies: [MemoryDescriptor] = []
        for work in [backwardWeights, backwardData] {
            guard let needed = work?.output, !(needed == output) else { continue }
            if !copies.contains(where: { $0 == needed }) { copies.append(needed) }
        }
        return copies
    }

    /// Where each copy lies: behind what either gradient needs.
    func gradientCopyOffsets(addsInputGradient adds: Bool) -> [Int] {
        var offset = max(backwardWeightsScratch.total, backwardDataScratch(adds: adds).total)
        return gradientCopies.map { copy in
            defer { offset += copy.elements }
            return offset
        }
    }

    func scratchElements(addsInputGradient adds: Bool) -> Int {
        max(
            forwardScratch.total,
            max(backwardWeightsScratch.total, backwardDataScratch(adds: adds).total)
                + gradientCopies.reduce(0) { $0 + $1.elements })
    }
}
