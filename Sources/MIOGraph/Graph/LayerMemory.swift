import MIOBase

/// The memory that a call wants besides its tensors, and which of its tensors backward reads. Counts are elements of one
/// sample, of the type that the call computes in.
public struct LayerMemory: Hashable, Sendable {
    /// Written by forward, read by backward (`ForwardCall.kept`).
    public var kept: Int
    /// For use within one forward or one backward (`ForwardCall.scratch`).
    public var scratch: Int
    /// Whether backward reads what went into the layer.
    public var backwardReadsInputs: Bool
    /// Whether backward reads what the layer computed.
    public var backwardReadsOutput: Bool

    /// A layer that keeps nothing and whose backward reads all, unless said otherwise.
    public init(
        kept: Int = 0, scratch: Int = 0, backwardReadsInputs: Bool = true, backwardReadsOutput: Bool = true
    ) {
        self.kept = kept
        self.scratch = scratch
        self.backwardReadsInputs = backwardReadsInputs
        self.backwardReadsOutput = backwardReadsOutput
    }

    /// Of a layer whose backward needs the output's gradient alone.
    public static let gradientAlone = LayerMemory(backwardReadsInputs: false, backwardReadsOutput: false)

    /// Of a layer y = f(z) whose backward needs its inputs for what comes before f.
    public static func activated(by activation: Activation, output: Shape) -> LayerMemory {
        LayerMemory(
            kept: activation.gradientReadsArgument ? output.count : 0,
            scratch: activation == .linear ? 0 : output.count,
            backwardReadsOutput: activation != .linear && !activation.gradientReadsArgument)
    }
}

extension Layer {
    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory { LayerMemory() }
}
