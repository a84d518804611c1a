import COneDNN
import MIOPlan

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

/// What passes of a convolution need at any count of samples.
struct ConvolutionNeeds {
    /// Of as many samples as a pass has at the most.
    let convolution: Convolution
    private(set) var scratch: Int
    private(set) var workspace: Int
    private(set) var readsInput: Bool
    private(set) var isPlain: Bool
    private(set) var canPassRelu: Bool

    /// `nil` if oneDNN has nothing, or refuses to describe a tensor: what it cannot describe, it cannot run.
    init?(
        _ request: Convolution.Request, samples: Int, _ engine: OneDNNEngine,
        picks: (ConvolutionPass) -> ConvolutionCandidate
    ) {
        func convolution(_ samples: Int, like kept: Convolution?) -> Convolution? {
            let found = Result { () throws(KernelError) in
                try Convolution(request, samples: samples, like: kept, engine, picks: picks)
            }
            guard case .success(let convolution?) = found else { return nil }
            return convolution
        }
        guard let found = convolution(samples, like: nil) else { return nil }
        self.convolution = found
        // A smaller count may want more scratch: Winograd's depends on how the tiles are dealt out.
        scratch = found.scratchElements(addsInputGradient: false)
        (workspace, readsInput) = (found.workspaceElements, found.workspaceElements == 0)
        (isPlain, canPassRelu) = (found.isPlain, found.canPassRelu)
        for samples in 1..<max(min(samples, 64), 2) {
            guard let smaller = convolution(samples, like: found) else { return nil }
            scratch = max(scratch, smaller.scratchElements(addsInputGradient: false))
            // Where oneDNN chooses the order, it may choose another one for each count.
            workspace = max(workspace, smaller.workspaceElements)
            readsInput = readsInput || smaller.workspaceElements == 0
            isPlain = isPlain || smaller.isPlain
            canPassRelu = canPassRelu && smaller.canPassRelu
        }
    }
}

extension Convolution {
    /// Brings a kernel from the order in which it is kept to Keras'.
    func copyKernel(
        stored: UnsafePointer<Float>, to canonical: UnsafeMutablePointer<Float>, _ engine: OneDNNEngine,
        _ name: String
    ) {
        copy(stored, weights, to: canonical, canonicalWeights, engine, name)
    }

    /// Brings a kernel from Keras' order to that in which it is kept.
    func copyKernel(
        canonical: UnsafePointer<Float>, to stored: UnsafeMutablePointer<Float>, _ engine: OneDNNEngine,
        _ name: String
    ) {
        copy(canonical, canonicalWeights, to: stored, weights, engine, name)
    }

    private func copy(
        _ source: UnsafePointer<Float>, _ from: MemoryDescriptor, to target: UnsafeMutablePointer<Float>,
        _ to: MemoryDescriptor, _ engine: OneDNNEngine, _ name: String
    ) {
        do {
            try Execution.reorder(name, engine, source, from, target, to).run()
        } catch {
            // oneDNN reorders between any two orders of the same axes.
            preconditionFailure("\(error)")
        }
    }
}
