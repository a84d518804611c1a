import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// A depthwise convolution with several filters a channel: one with a single filter, of an image in which each channel is as
/// often. A library has code for that one alone.
final class RepeatedChannelsKernel: Kernel {
    private let inner: ConvolutionKernel
    private let bindings: Bindings
    /// Elements of one sample of the input, and how often each is in the repeated one.
    private let (elements, times): (Int, Int)
    private let values: UnsafeMutablePointer<Float>
    private let gradient: UnsafeMutablePointer<Float>

    static func choice(_ layer: any ConvolutionLayer, _ request: KernelRequest, _ backend: NativeBackend)
        -> KernelChoice?
    {
        guard layer.arguments.kind == .depthwise, layer.dataFormat == .channelsLast,
            let convolution = try? layer.resolved(request.inputShapes).convolution,
            convolution.filters > convolution.channels,
            let repeated = convolution.depthwiseOfRepeatedChannels, ConvolutionKernel.canRun(repeated)
        else { return nil }
        let own = KernelRequest(
            layer: request.layer, inputShapes: request.inputShapes, inputLayouts: [.canonical],
            outputShapes: request.outputShapes, samples: request.samples,
            sharesWeights: request.sharesWeights, needsInputGradients: request.needsInputGradients,
            trainsWeights: request.trainsWeights)
        guard
            let (inner, _) = ConvolutionKernel.choice(repeated, own, outputLayout: .canonical, backend)
        else { return nil }
        let count = aligned(request.samples * repeated.inputShape.count)
        var choice = KernelChoice(
            algorithm: "repeated channels, \(inner.algorithm)", inputLayouts: [.canonical],
            weightElements: inner.weightElements, weightLayouts: inner.weightLayouts,
            scratchElements: aligned(inner.scratchElements) + count,
            workspaceElements: aligned(inner.workspaceElements) + count, backwardReadsInputs: false,
            backwardReadsOutput: inner.backwardReadsOutput)
        choice.inner = [inner]
        return choice
    }

    init(_ layer: any ConvolutionLayer, _ description: KernelDescription, _ backend: NativeBackend) throws {
        guard let convolution = try? layer.resolved(description.inputShapes).convolution,
            let repeated = convolution.depthwiseOfRepeatedChannels
        else { preconditionFailure("the graph has checked the shapes of every call") }
        bindings = description.bindings
        let choice = description.choice.inner[0]
        elements = convolution.inputShape.count
        times = convolution.filters / convolution.channels
        values = bindings.workspace + aligned(choice.workspaceElements)
        gradient = bindings.scratch + aligned(choice.scratchElements)
        var inner = bindings
        inner.inputs = [values]
        inner.passedRelu = [nil]
        let own = gradient
        inner.inputGradients = [
            bindings.inputGradients[0].map { _ in Gradient(pointer: own, flow: .first) }
        ]
        self.inner = try ConvolutionKernel(
            repeated,
            KernelDescription(
                layer: description.layer, streams: description.streams, inputShapes: description.inputShapes,
                outputShapes: description.outputShapes, inputElements: description.inputElements,
                choice: choice, samples: description.samples, reluIsPassed: false, bindings: inner), backend)
    }

    func prepare(samples: Int) throws { try inner.prepare(samples: samples) }

    func forward(_ pass: Pass) {
        mio_repeat_channels(Int64(pass.samples * elements), Int64(times), bindings.inputs[0], values)
        inner.forward(pass)
    }

    func backward(_ pass: Pass) {
        inner.backward(pass)
        guard let target = bindings.inputGradients[0] else { return }
        mio_sum_channels(
            Int64(pass.samples * elements), Int64(times), gradient, target.pointer, target.flow == .adds)
    }

    func convert(weight: Int, stored: UnsafePointer<Float>, to canonical: UnsafeMutablePointer<Float>) {
        inner.convert(weight: weight, stored: stored, to: canonical)
    }

    func convert(weight: Int, canonical: UnsafePointer<Float>, to stored: UnsafeMutablePointer<Float>) {
        inner.convert(weight: weight, canonical: canonical, to: stored)
    }
}
