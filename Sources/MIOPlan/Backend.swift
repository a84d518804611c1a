import MIOBase
import MIOGraph

/// Who computes: says, before there is a buffer, how it would run a call of a layer.
///
/// The answers are part of the plan, which ranks compare: equal requests get equal answers on equal machines.
package protocol Backend: Sendable {
    var name: String { get }
    /// Whether the kernels of layers compute it themselves. A plan gives the others a call of their own.
    func fuses(_ activation: Activation) -> Bool
    func choose(_ request: KernelRequest) -> KernelChoice
}

extension Backend {
    package func fuses(_ activation: Activation) -> Bool { true }
}

/// One call of a layer, as the plan asks about it.
package struct KernelRequest: Sendable {
    package let layer: any Layer
    package let inputShapes: [Shape]
    /// What the inputs' producers left; the answer may ask for others, which costs a reordering.
    package let inputLayouts: [Layout]
    package let outputShapes: [Shape]
    /// Of the first result.
    package var outputShape: Shape { outputShapes[0] }
    /// The most samples one pass has.
    package let samples: Int
    /// Other calls use the same weights: they must stay canonical.
    package let sharesWeights: Bool
    /// Which inputs need a gradient.
    package let needsInputGradients: [Bool]
    package let trainsWeights: Bool
    /// Whether any input has a mask that the layer reads.
    package let isMasked: Bool

    package init(
        layer: any Layer, inputShapes: [Shape], inputLayouts: [Layout], outputShapes: [Shape], samples: Int,
        sharesWeights: Bool, needsInputGradients: [Bool], trainsWeights: Bool, isMasked: Bool = false
    ) {
        self.isMasked = isMasked
        self.layer = layer
        self.inputShapes = inputShapes
        self.inputLayouts = inputLayouts
        self.outputShapes = outputShapes
        self.samples = samples
        self.sharesWeights = sharesWeights
        self.needsInputGradients = needsInputGradients
        self.trainsWeights = trainsWeights
    }

    /// The request for a layer inside this one.
    /// - Parameters:
    ///   - inputs: for each of its inputs which one of this call it is.
    ///   - samples: the most that one pass of it has.
    package func inside(
        _ inner: any Layer, inputs: [Int], inputShapes: [Shape], outputShapes: [Shape], samples: Int
    ) -> KernelRequest {
        KernelRequest(
            layer: inner, inputShapes: inputShapes, inputLayouts: inputs.map { _ in .canonical },
            outputShapes: outputShapes, samples: samples, sharesWeights: sharesWeights,
            needsInputGradients: inputs.map { needsInputGradients[$0] }, trainsWeights: trainsWeights)
    }
}

/// Which of a backend's kernels runs a call.
package struct KernelName: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }

    /// The plain implementation.
    package static let reference = KernelName("reference")
}

/// How a call is run.
package struct KernelChoice: Hashable, Sendable {
    package var kernel = KernelName.reference
    /// For people, and for the comparison between ranks: "onednn jit:avx512_core, winograd".
    package var algorithm: String
    package var inputLayouts: [Layout]
    /// Of the first result; the others are canonical.
    package var outputLayout: Layout
    /// Elements each weight takes where it is stored, in the order of `Layer.weights(for:)`, and a word for
    /// how it lies there.
    package var weightElements: [Int]
    package var weightLayouts: [String]
    /// Temporary bytes a forward or backward pass uses, not kept in between.
    package var scratchBytes: Int
    /// Bytes kept from forward to backward.
    package var workspaceBytes: Int
    /// Whether backward reads the input and output of forward: how long they must stay.
    package var backwardReadsInputs: Bool
    package var backwardReadsOutput: Bool
    /// Backward lists the rows of its only weight that have a gradient, instead of writing the gradient of all.
    package var listsRows = false
    /// For each input, or none for all of them: backward can take its gradient through the relu that made the input,
    /// and sum the bias' gradient before it, both while it has the input at hand: see `ReluFusion`.
    package var passesRelu: [Bool]
    /// Backward can do without its relu and its bias' gradient, which another operation does.
    package var takesPassedRelu: Bool
    /// How the layers inside are run, of a layer that is made of others.
    package var inner: [KernelChoice] = []

    /// - Parameters:
    ///   - scratchElements: temporary 32-bit floats; who needs others sets `scratchBytes`.
    ///   - workspaceElements: 32-bit floats that are kept; who keeps others sets `workspaceBytes`.
    package init(
        algorithm: String, inputLayouts: [Layout], outputLayout: Layout = .canonical, weightElements: [Int],
        weightLayouts: [String], scratchElements: Int = 0,
        workspaceElements: Int = 0, backwardReadsInputs: Bool = true, backwardReadsOutput: Bool = true,
        passesRelu: [Bool] = [], takesPassedRelu: Bool = false
    ) {
        self.algorithm = algorithm
        self.inputLayouts = inputLayouts
        self.outputLayout = outputLayout
        self.weightElements = weightElements
        self.weightLayouts = weightLayouts
        scratchBytes = scratchElements.clampedTimes(MemoryLayout<Float>.stride)
        workspaceBytes = workspaceElements.clampedTimes(MemoryLayout<Float>.stride)
        self.backwardReadsInputs = backwardReadsInputs
        self.backwardReadsOutput = backwardReadsOutput
        self.passesRelu = passesRelu
        self.takesPassedRelu = takesPassedRelu
    }

    /// The word of `weightLayouts` for Keras' order without padding.
    package static let canonicalWeight = "canonical"

    /// 32-bit floats that the temporary bytes hold.
    package var scratchElements: Int { scratchBytes / MemoryLayout<Float>.stride }
    /// 32-bit floats that the kept bytes hold.
    package var workspaceElements: Int { workspaceBytes / MemoryLayout<Float>.stride }

    /// The plain implementation: everything canonical.
    package static func reference(_ request: KernelRequest) -> KernelChoice {
        let weights = request.layer.weights(for: request.inputShapes)
        let memory = request.layer.memory(for: request.inputShapes, output: request.outputShape)
        return KernelChoice(
            algorithm: KernelName.reference.description,
            inputLayouts: [Layout](repeating: .canonical, count: request.inputShapes.count),
            weightElements: weights.map(\.shape.count),
            weightLayouts: [String](repeating: canonicalWeight, count: weights.count),
            scratchElements: request.samples * memory.scratch,
            workspaceElements: request.samples * memory.kept,
            backwardReadsInputs: memory.backwardReadsInputs, backwardReadsOutput: memory.backwardReadsOutput)
    }
}

/// Runs every layer on its plain implementation: the oracle.
package struct ReferenceBackend: Backend {
    package init() {}
    package var name: String { "reference" }
    package func choose(_ request: KernelRequest) -> KernelChoice { .reference(request) }
}
