import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// A layer of images with channels first: that of images with channels last, with its tensors brought there and back.
final class ChannelsFirstKernel: Kernel {
    private let inner: any Kernel
    private let outer: Bindings
    private let input: Moved
    /// `nil` if the result has no spatial axes.
    private let output: Moved?

    /// A tensor on both sides.
    private struct Moved {
        let image: mio_pixels
        let channels: Int
        /// As the inner kernel has them.
        let values: UnsafeMutablePointer<Float>
        let gradient: UnsafeMutablePointer<Float>?

        func move(
            _ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, toFirst: Bool, samples: Int,
            adds: Bool = false
        ) {
            var image = image
            image.samples = Int64(samples)
            mio_move_channels(toFirst, &image, Int64(channels), x, y, adds)
        }
    }

    /// The shape with channels last.
    private static func last(_ shape: Shape) -> Shape {
        Shape(Array(shape.dimensions.dropFirst()) + [shape[0]])
    }

    /// The results of the inner kernel.
    private static func innerOutput(_ request: (inputs: [Shape], output: Shape)) -> Shape {
        request.output.rank == request.inputs[0].rank ? last(request.output) : request.output
    }

    static func choice(_ layer: any ImageLayer, _ request: KernelRequest, _ backend: NativeBackend)
        -> KernelChoice?
    {
        // A softmax is over the last axis, which is another one here.
        guard layer.dataFormat == .channelsFirst, layer.outputActivation != .softmax,
            request.outputShape.count > 0
        else { return nil }
        let (shape, result) = (
            last(request.inputShapes[0]), innerOutput((request.inputShapes, request.outputShape))
        )
        let inner = backend.choose(
            request.inside(
                layer.channelsLast, inputs: [0], inputShapes: [shape], outputShapes: [result],
                samples: request.samples))
        let input = aligned(request.samples * inner.inputLayouts[0].elements(of: shape))
        let moves = result.rank == shape.rank
        let output = moves ? request.samples * inner.outputLayout.elements(of: result) : 0
        var choice = KernelChoice(
            algorithm: "channels last: \(inner.kernel) (\(inner.algorithm))", inputLayouts: [.canonical],
            weightElements: inner.weightElements, weightLayouts: inner.weightLayouts,
            scratchElements: aligned(inner.scratchElements) + input + output,
            workspaceElements: aligned(inner.workspaceElements) + input + output, backwardReadsInputs: false,
            backwardReadsOutput: !moves && inner.backwardReadsOutput)
        choice.inner = [inner]
        return choice
    }

    init(_ layer: any ImageLayer, _ description: KernelDescription, _ backend: NativeBackend) throws {
        let choice = description.choice.inner[0]
        outer = description.bindings
        let shape = Self.last(description.inputShapes[0])
        let result = Self.innerOutput((description.inputShapes, description.outputShape))
        var bindings = outer
        // The inner kernel's own memory comes first.
        var values = outer.workspace + aligned(choice.workspaceElements)
        var gradients = outer.scratch + aligned(choice.scratchElements)
        func moved(_ shape: Shape, _ layout: Layout, hasGradient: Bool) -> Moved {
            let (planes, lanes) = layout.planes(of: shape.last)
            let count = aligned(description.samples * layout.elements(of: shape))
            defer {
                values += count
                gradients += count
            }
            return Moved(
                image: mio_pixels(
                    samples: 0, planes: Int64(planes), pixels: Int64(shape.count / shape.last),
                    lanes: Int64(lanes)),
                channels: shape.last, values: values, gradient: hasGradient ? gradients : nil)
        }
        input = moved(shape, choice.inputLayouts[0], hasGradient: outer.inputGradients[0] != nil)
        bindings.inputs = [input.values]
        bindings.inputGradients = [input.gradient.map { Gradient(pointer: $0, flow: .first) }]
        if result.rank == shape.rank {
            let made = moved(result, choice.outputLayout, hasGradient: outer.outputGradient != nil)
            bindings.outputs = [made.values]
            bindings.outputGradients = [made.gradient]
            output = made
        } else {
            output = nil
        }
        inner = try backend.makeKernel(
            KernelDescription(
                layer: layer.channelsLast, streams: description.streams, inputShapes: [shape],
                outputShapes: [result], inputElements: description.inputElements, choice: choice,
                samples: description.samples, reluIsPassed: false, bindings: bindings))
    }

    func prepare(samples: Int) throws { try inner.prepare(samples: samples) }

    func forward(_ pass: Pass) {
        input.move(outer.inputs[0], to: input.values, toFirst: false, samples: pass.samples)
        inner.forward(pass)
        output?.move(output!.values, to: outer.output, toFirst: true, samples: pass.samples)
    }

    func backward(_ pass: Pass) {
        if let output, let gradient = output.gradient, let made = outer.outputGradient {
            output.move(made, to: gradient, toFirst: false, samples: pass.samples)
        }
        inner.backward(pass)
        if let target = outer.inputGradients[0], let gradient = input.gradient {
            input.move(
                gradient, to: target.pointer, toFirst: true, samples: pass.samples,
                adds: target.flow == .adds)
        }
    }

    func convert(weight: Int, stored: UnsafePointer<Float>, to canonical: UnsafeMutablePointer<Float>) {
        inner.convert(weight: weight, stored: stored, to: canonical)
    }

    func convert(weight: Int, canonical: UnsafePointer<Float>, to stored: UnsafeMutablePointer<Float>) {
        inner.convert(weight: weight, canonical: canonical, to: stored)
    }
}

/// A Flatten that brings the channels from the first axis to the last one before.
final class ChannelsFirstFlattenKernel: WeightlessKernel {
    private let bindings: Bindings
    private var image: mio_pixels
    private let channels: Int

    static func choice(_ layer: Flatten, _ request: KernelRequest) -> KernelChoice? {
        KernelChoice(
            algorithm: "transposition", inputLayouts: [.canonical], weightElements: [], weightLayouts: [],
            backwardReadsInputs: false, backwardReadsOutput: false)
    }

    init(_ layer: Flatten, _ description: KernelDescription) {
        bindings = description.bindings
        let (channels, positions) = layer.transposition(of: description.inputShapes[0])
        self.channels = channels
        image = mio_pixels(samples: 0, planes: 1, pixels: Int64(positions), lanes: Int64(channels))
    }

    func forward(_ pass: Pass) {
        image.samples = Int64(pass.samples)
        mio_move_channels(false, &image, Int64(channels), bindings.inputs[0], bindings.output, false)
    }

    func backward(_ pass: Pass) {
        guard let target = bindings.inputGradients[0], let gradient = bindings.outputGradient else { return }
        image.samples = Int64(pass.samples)
        mio_move_channels(
            true, &image, Int64(channels), gradient, target.pointer, target.flow == .adds)
    }
}
