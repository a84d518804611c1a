import CDenseLoops
import COneDNN
import MIOGraph
import MIOPlan
import MIOTensor

/// Conv2D on oneDNN: bias and relu fused into forward, relu's gradient and the bias' in one pass before backward.
final class ConvolutionKernel: Kernel {
    private let conv: Conv2D
    private let description: KernelDescription
    private let library: OneDNN
    private let weightsInto: Primitive
    private let weightsOutOf: Primitive
    /// Where `convert` puts the weight it converts, in Keras' order and in ours.
    private let canonicalWeights: Storage<Float>
    private let storedWeights: Storage<Float>
    private let weightElements: Int
    private let kernelElements: Int
    private var prepared: [Prepared] = []

    /// The primitives for one number of samples.
    private struct Prepared {
        let samples: Int
        let forward: Primitive
        /// Before backward-data: the weights as it wants them.
        let weightsToData: Primitive?
        let backwardData: Primitive?
        let backwardWeights: Primitive?
        /// After backward-weights: the gradient as weights are kept.
        let gradientToWeights: Primitive?
        /// The input's gradient, where it is to be added to another's.
        let addition: Storage<Float>?
        /// Kept alive: temporary memory beyond the plan's.
        let extra: Storage<Float>?
    }

    // MARK: Planning

    static func choose(_ conv: Conv2D, _ request: KernelRequest, _ library: OneDNN) -> KernelChoice {
        guard conv.activation != .softmax else { return .reference(request) }
        let (input, output) = layouts(conv, request)
        do {
            let plan = try ConvolutionPlan(
                conv, inputs: request.inputShapes, samples: request.samples, inputBlock: input.block,
                outputBlock: output.block, canonicalWeights: request.sharesWeights, library: library)
            guard plan.backwardData != nil || !request.needsInputGradients[0],
                plan.backwardWeights != nil || !request.trainsWeights
            else { return .reference(request) }
            return KernelChoice(
                algorithm: "oneDNN \(plan.description)", inputLayouts: [input], outputLayout: output,
                weightElements: [plan.weights.elements] + (conv.useBias ? [conv.filters] : []),
                weightLayouts: [request.sharesWeights ? "canonical" : "oneDNN \(plan.weights.elements)"]
                    + (conv.useBias ? ["canonical"] : []),
                scratchElements: plan.scratchElements)
        } catch {
            return .reference(request)
        }
    }

    /// Blocked images where the channels fill blocks; a few input channels stay as they come.
    private static func layouts(_ conv: Conv2D, _ request: KernelRequest) -> (input: Layout, output: Layout) {
        // Shared weights stay canonical, and canonical weights want canonical images.
        if request.sharesWeights { return (.canonical, .canonical) }
        let block = OneDNN.channelBlock
        let channels = request.inputShapes[0].last
        let output: Layout = conv.filters % block == 0 ? .channelBlocked(block: block) : .canonical
        if case .channelBlocked = request.inputLayouts[0], output != .canonical {
            return (request.inputLayouts[0], output)
        }
        if output != .canonical, channels % block == 0 { return (output, output) }
        return (.canonical, output)
    }

    // MARK: Making

    init(_ conv: Conv2D, _ description: KernelDescription, _ library: OneDNN) throws {
        self.conv = conv
        self.description = description
        self.library = library
        let channels = description.inputShapes[0].last
        weightElements = description.choice.weightElements[0]
        kernelElements = conv.kernelSize[0] * conv.kernelSize[1] * channels * conv.filters
        let plan = try Self.plan(conv, description, samples: description.samples, library)
        let canonical = try MemoryDescription(
            [conv.filters, channels, conv.kernelSize[0], conv.kernelSize[1]], dnnl_hwio)
        canonicalWeights = Storage(count: kernelElements)
        storedWeights = Storage(count: weightElements)
        weightsInto = try Primitive(
            library, PrimitiveDescription(library, from: canonical, to: plan.weights),
            [
                (DNNL_ARG_FROM, canonical, canonicalWeights.pointer),
                (DNNL_ARG_TO, plan.weights, storedWeights.pointer),
            ])
        weightsOutOf = try Primitive(
            library, PrimitiveDescription(library, from: plan.weights, to: canonical),
            [
                (DNNL_ARG_FROM, plan.weights, storedWeights.pointer),
                (DNNL_ARG_TO, canonical, canonicalWeights.pointer),
            ])
    }

    private static func plan(
        _ conv: Conv2D, _ description: KernelDescription, samples: Int, _ library: OneDNN
    ) throws -> ConvolutionPlan {
        try ConvolutionPlan(
            conv, inputs: description.inputShapes, samples: samples,
            inputBlock: description.choice.inputLayouts[0].block,
            outputBlock: description.choice.outputLayout.block,
            canonicalWeights: description.choice.weightLayouts[0] == "canonical", library: library)
    }

    func prepare(samples: Int) throws {
        guard !prepared.contains(where: { $0.samples == samples }) else { return }
        let bindings = description.bindings
        let plan = try Self.plan(conv, description, samples: samples, library)
        guard plan.weights.elements == weightElements else {
            throw KernelError(
                operation: "Conv2D", message: "oneDNN keeps weights otherwise for \(samples) samples")
        }
        // Weights and sums first, then the primitive's own memory; a smaller batch may want more of it.
        let gradientSum = bindings.scratch
        let converted = gradientSum + ConvolutionPlan.aligned(weightElements)
        var own = bindings.scratch + plan.weightScratchElements
        var extra: Storage<Float>?
        if plan.scratchElements > description.choice.scratchElements {
            let storage = Storage<Float>(count: plan.primitiveScratchElements)
            own = storage.pointer
            extra = storage
        }
        var arguments = [
            (DNNL_ARG_SRC, plan.source, bindings.inputs[0]),
            (DNNL_ARG_WEIGHTS, plan.weights, bindings.weights[0]),
            (DNNL_ARG_DST, plan.target, bindings.output),
        ]
        if let bias = plan.bias { arguments.append((DNNL_ARG_BIAS, bias, bindings.weights[1])) }
        let forward = try primitive(plan.forward, arguments, own)
        var weightsToData: Primitive?
        var data: Primitive?
        var gradientToWeights: Primitive?
        var weights: Primitive?
        var addition: Storage<Float>?
        if let outputGradient = bindings.outputGradient {
            if let target = bindings.inputGradients[0], let backward = plan.backwardData {
                // A second gradient of the input is made beside it and added.
                if target.flow == .adds { addition = Storage(count: plan.source.elements) }
                let source = addition?.pointer ?? target.pointer
                if let wanted = plan.dataWeights, let reorder = plan.weightsToData {
                    weightsToData = try primitive(
                        reorder,
                        [
                            (DNNL_ARG_FROM, plan.weights, bindings.weights[0]),
                            (DNNL_ARG_TO, wanted, converted),
                        ], own)
                }
                data = try primitive(
                    backward,
                    [
                        (DNNL_ARG_DIFF_SRC, plan.source, source),
                        (
                            DNNL_ARG_WEIGHTS, plan.dataWeights ?? plan.weights,
                            plan.dataWeights == nil ? bindings.weights[0] : converted
                        ), (DNNL_ARG_DIFF_DST, plan.target, outputGradient),
                    ], own)
            }
            if bindings.weightGradients[0] != nil, let backward = plan.backwardWeights {
                weights = try primitive(
                    backward,
                    [
                        (DNNL_ARG_SRC, plan.source, bindings.inputs[0]),
                        (
                            DNNL_ARG_DIFF_WEIGHTS, plan.gradientWeights ?? plan.weights,
                            plan.gradientWeights == nil ? gradientSum : converted
                        ), (DNNL_ARG_DIFF_DST, plan.target, outputGradient),
                    ], own)
                if let given = plan.gradientWeights, let reorder = plan.gradientToWeights {
                    gradientToWeights = try primitive(
                        reorder,
                        [(DNNL_ARG_FROM, given, converted), (DNNL_ARG_TO, plan.weights, gradientSum)], own)
                }
            }
        }
        prepared.append(
            Prepared(
                samples: samples, forward: forward, weightsToData: weightsToData, backwardData: data,
                backwardWeights: weights, gradientToWeights: gradientToWeights, addition: addition,
                extra: extra))
    }

    private func primitive(
        _ plan: PrimitiveDescription,
        _ arguments: [(Int32, MemoryDescription, UnsafeMutablePointer<Float>)],
        _ scratch: UnsafeMutablePointer<Float>
    ) throws -> Primitive {
        var arguments = arguments
        if let layout = plan.memory(dnnl_query_scratchpad_md), layout.elements > 0 {
            arguments.append((DNNL_ARG_SCRATCHPAD, layout, scratch))
        }
        return try Primitive(library, plan, arguments)
    }

    private func primitives(_ samples: Int) -> Prepared {
        for candidate in prepared where candidate.samples == samples { return candidate }
        preconditionFailure("\(samples) samples were not prepared for")
    }

    // MARK: Running

    private var outputElements: Int { description.choice.outputLayout.elements(of: description.outputShape) }
    private var inputElements: Int {
        description.choice.inputLayouts[0].elements(of: description.inputShapes[0])
    }

    func forward(_ pass: Pass) {
        primitives(pass.samples).forward.execute()
        switch conv.activation {
        case .linear, .relu: break
        default:
            mio_bias_activation(
                conv.activation.cValue, description.bindings.output, nil, Int64(pass.samples),
                Int64(outputElements))
        }
    }

    func backward(_ pass: Pass) {
        let bindings = description.bindings
        guard let outputGradient = bindings.outputGradient else { return }
        let primitives = primitives(pass.samples)
        gradientBeforeActivation(outputGradient, pass)
        if let gradient = bindings.weightGradients[0], let backward = primitives.backwardWeights {
            backward.execute()
            primitives.gradientToWeights?.execute()
            if gradient.adds(in: pass) {
                mio_add(bindings.scratch, gradient.pointer, Int64(weightElements))
            } else {
                gradient.pointer.update(from: bindings.scratch, count: weightElements)
            }
        }
        if let gradient = bindings.inputGradients[0], let backward = primitives.backwardData {
            primitives.weightsToData?.execute()
            backward.execute()
            if let addition = primitives.addition {
                mio_add(addition.pointer, gradient.pointer, Int64(pass.samples * inputElements))
            }
        }
    }

    /// The gradient before the activation, in place, and that of the bias.
    private func gradientBeforeActivation(_ gradient: UnsafeMutablePointer<Float>, _ pass: Pass) {
        let bindings = description.bindings
        let bias = conv.useBias ? bindings.weightGradients[1] : nil
        if let bias, !bias.adds(in: pass) { bias.pointer.update(repeating: 0, count: conv.filters) }
        let isRectified = conv.activation == .relu
        if !isRectified, conv.activation != .linear {
            mio_activation_gradient(
                conv.activation.cValue, bindings.output, gradient, 1, Int64(pass.samples * outputElements),
                gradient,
                Int64(pass.samples * outputElements), nil, false)
        }
        let pixels = description.outputShape[0] * description.outputShape[1]
        let lanes = description.choice.outputLayout.block ?? conv.filters
        mio_image_relu_gradient(
            isRectified, bindings.output, gradient, Int64(pass.samples), Int64(conv.filters / lanes),
            Int64(pixels),
            Int64(lanes), Int64(conv.filters), bias?.pointer)
    }

    // MARK: Weights

    func convert(weight: Int, stored: UnsafePointer<Float>, to canonical: UnsafeMutablePointer<Float>) {
        guard weight == 0 else { return canonical.update(from: stored, count: conv.filters) }
        storedWeights.pointer.update(from: stored, count: weightElements)
        weightsOutOf.execute()
        canonical.update(from: canonicalWeights.pointer, count: kernelElements)
    }

    func convert(weight: Int, canonical: UnsafePointer<Float>, to stored: UnsafeMutablePointer<Float>) {
        guard weight == 0 else { return stored.update(from: canonical, count: conv.filters) }
        canonicalWeights.pointer.update(from: canonical, count: kernelElements)
        weightsInto.execute()
        stored.update(from: storedWeights.pointer, count: weightElements)
    }
}
