import CDenseLoops
import MIOBase

/// A convolution by mio's own loops, on one thread: a structure of CDenseLoops, and the functions that take it.
protocol LoopedConvolution {
    typealias Values = UnsafePointer<Float>
    typealias Results = UnsafeMutablePointer<Float>
    /// Of input, filters and bias, whether with a relu: output; scratch.
    typealias Forward = (UnsafePointer<Self>, Values?, Values?, Values?, Bool, Results?, Results?) -> Void
    /// Of the output's gradient and filters, whether through a relu: the bias' and the input's gradient; scratch.
    typealias InputGradient = (UnsafePointer<Self>, Values?, Values?, Bool, Results?, Results?, Results?) ->
        Void
    /// Of input and the output's gradient: the filters' gradient; scratch.
    typealias FilterGradient = (UnsafePointer<Self>, Values?, Values?, Results?, Results?) -> Void

    static var forward: Forward { get }
    static var inputGradient: InputGradient { get }
    static var filterGradient: FilterGradient { get }
    /// Floats that any of the three needs.
    var scratchElements: Int { get }
    /// As reports name it.
    static var implementation: String { get }
}

/// Winograd's algorithm on images in blocks of channels, as many as a register has lanes.
extension mio_winograd: LoopedConvolution {
    static var forward: Forward { mio_winograd_forward }
    static var inputGradient: InputGradient { mio_winograd_input_gradient }
    static var filterGradient: FilterGradient { mio_winograd_filter_gradient }
    static var implementation: String { "blocked winograd" }
    var scratchElements: Int { withUnsafePointer(to: self) { Int(mio_winograd_scratch($0)) } }
}

/// Factors in bfloat16 on the processor's tiles, on images in blocks of 16 channels.
extension mio_tiled: LoopedConvolution {
    static var forward: Forward { mio_tiled_forward }
    static var inputGradient: InputGradient { mio_tiled_input_gradient }
    static var filterGradient: FilterGradient { mio_tiled_filter_gradient }
    static var implementation: String { "tiles of bf16" }
    var scratchElements: Int { withUnsafePointer(to: self) { Int(mio_tiled_scratch($0)) } }
}

/// A pass of such a convolution.
struct LoopedConvolutionStep<Loops: LoopedConvolution>: ConvolutionStep {
    let loops: Loops
    let pass: ConvolutionPass
    let pointers: ConvolutionWork.Pointers
    let relu: Bool

    func run() {
        guard let output = pointers.output else { return }
        withUnsafePointer(to: loops) {
            switch pass {
            case .forward:
                Loops.forward(
                    $0, pointers.input, pointers.weights, pointers.bias, relu, output, pointers.scratch)
            case .backwardWeights:
                Loops.filterGradient($0, pointers.input, output, pointers.weights, pointers.scratch)
            case .backwardData:
                Loops.inputGradient(
                    $0, output, pointers.weights, relu, pointers.bias, pointers.input, pointers.scratch)
            }
        }
    }
}

extension LoopedConvolution {
    /// The pass as code; see `ConvolutionWork.step`.
    func step(
        _ pass: ConvolutionPass, _ pointers: ConvolutionWork.Pointers, relu: Bool
    ) -> any ConvolutionStep {
        LoopedConvolutionStep(loops: self, pass: pass, pointers: pointers, relu: relu)
    }
}
