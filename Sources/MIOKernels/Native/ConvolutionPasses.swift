import CDenseLoops
import COneDNN
import MIOPlan
import MIOTensor

/// A convolution of one count of samples, with its code and bound to its memory.
final class ConvolutionPasses {
    let samples: Int
    private let forwardSteps: [Execution]
    /// Where the kernel's gradient is overwritten, and where it is added to.
    private let writeWeights: [Execution]
    private let addWeights: [Execution]
    private let dataSteps: [Execution]
    private let gradientSteps: [Execution]
    /// What is added to the gradients afterwards: (from, to, elements).
    private typealias Addition = (
        source: UnsafeMutablePointer<Float>, target: UnsafeMutablePointer<Float>, count: Int
    )
    private let weightAddition: Addition?
    private let dataAddition: Addition?
    /// Scratch of its own, where the plan's does not suffice: the gradient of an input that others have reached
    /// before.
    private let ownScratch: Storage<Float>?

    init(
        _ name: String, _ convolution: Convolution, samples: Int, _ bindings: Bindings, scratchElements: Int,
        useBias: Bool, _ engine: OneDNNEngine
    ) throws(KernelError) {
        self.samples = samples
        let adds = bindings.inputGradients[0]?.flow == .adds
        let needed = convolution.scratchElements(addsInputGradient: adds)
        let own = needed > scratchElements ? Storage<Float>(count: needed) : nil
        ownScratch = own
        let scratch = own?.pointer ?? bindings.scratch
        let weights = bindings.weights[0]
        typealias Argument = Execution.Argument

        // Forward: the input and the weights in the order the primitive reads them.
        var steps: [Execution] = []
        let source = convolution.source
        var sourcePointer = bindings.inputs[0]
        if !(source == convolution.input) {
            sourcePointer = bindings.workspace
            steps.append(
                try .reorder(name, engine, bindings.inputs[0], convolution.input, sourcePointer, source))
        }
        /// The input as `descriptor`'s primitive reads it, copied if it reads other numbers.
        func orderedSource(
            _ descriptor: PrimitiveDescriptor, _ plan: Convolution.Scratch, _ steps: inout [Execution]
        ) throws(KernelError) -> Argument {
            let memory = descriptor.memory(dnnl_query_src_md)
            if memory == source {
                return Argument(index: DNNL_ARG_SRC, memory: memory, pointer: sourcePointer)
            }
            let target = scratch + plan.sourceOffset
            steps.append(try .reorder(name, engine, sourcePointer, source, target, memory))
            return Argument(index: DNNL_ARG_SRC, memory: memory, pointer: target)
        }
        /// The weights as `descriptor`'s primitive reads them, in the first temporary tensor if they lie otherwise.
        func orderedWeights(
            _ descriptor: PrimitiveDescriptor, _ plan: Convolution.Scratch, _ steps: inout [Execution]
        ) throws(KernelError) -> Argument {
            let memory = descriptor.memory(dnnl_query_weights_md)
            if memory == convolution.weights {
                return Argument(index: DNNL_ARG_WEIGHTS, memory: memory, pointer: weights)
            }
            let target = scratch + plan.own
            steps.append(try .reorder(name, engine, weights, convolution.weights, target, memory))
            return Argument(index: DNNL_ARG_WEIGHTS, memory: memory, pointer: target)
        }
        func scratchArgument(_ descriptor: PrimitiveDescriptor) -> Argument {
            Argument(index: DNNL_ARG_SCRATCHPAD, memory: descriptor.scratch, pointer: scratch)
        }
        var arguments = [
            try orderedSource(convolution.forward, convolution.forwardScratch, &steps),
            try orderedWeights(convolution.forward, convolution.forwardScratch, &steps),
            Argument(index: DNNL_ARG_DST, memory: convolution.output, pointer: bindings.output),
            scratchArgument(convolution.forward),
        ]
        if useBias {
            arguments.append(
                Argument(
                    index: DNNL_ARG_BIAS, memory: convolution.forward.memory(dnnl_query_weights_md, 1),
                    pointer: bindings.weights[1]))
        }
        steps.append(try Execution(name, convolution.forward.handle, engine, arguments))
        forwardSteps = steps

        // The output's gradient, copied once for both of the others if one of them reads other numbers.
        let gradientCopy = scratch + convolution.gradientCopyOffset(addsInputGradient: adds)
        if let needed = convolution.gradientCopy, let gradient = bindings.outputGradient {
            gradientSteps = [try .reorder(name, engine, gradient, convolution.output, gradientCopy, needed)]
        } else {
            gradientSteps = []
        }
        func outputGradient(_ descriptor: PrimitiveDescriptor) -> Argument {
            let memory = descriptor.memory(dnnl_query_diff_dst_md)
            return Argument(
                index: DNNL_ARG_DIFF_DST, memory: memory,
                pointer: memory == convolution.output ? bindings.outputGradient : gradientCopy)
        }

        // The kernel's gradient: straight to its place, or to a temporary tensor to be added.
        if let descriptor = convolution.backwardWeights, let gradient = bindings.weightGradients[0] {
            let plan = convolution.backwardWeightsScratch
            let made = descriptor.memory(dnnl_query_diff_weights_md)
            let direct = made == convolution.weights
            let temporary = scratch + plan.own
            var steps: [Execution] = []
            let ordered = try orderedSource(descriptor, plan, &steps)
            func execution(into target: UnsafeMutablePointer<Float>) throws(KernelError) -> Execution {
                try Execution(
                    name, descriptor.handle, engine,
                    [
                        ordered, outputGradient(descriptor),
                        Argument(index: DNNL_ARG_DIFF_WEIGHTS, memory: made, pointer: target),
                        scratchArgument(descriptor),
                    ])
            }
            let addend = direct ? temporary : temporary + plan.first
            if direct {
                writeWeights = steps + [try execution(into: gradient.pointer)]
                addWeights = steps + [try execution(into: temporary)]
            } else {
                steps.append(try execution(into: temporary))
                writeWeights =
                    steps + [
                        try .reorder(name, engine, temporary, made, gradient.pointer, convolution.weights)
                    ]
                addWeights =
                    steps + [try .reorder(name, engine, temporary, made, addend, convolution.weights)]
            }
            weightAddition = (addend, gradient.pointer, convolution.weights.bytes / 4)
        } else {
            (writeWeights, addWeights, weightAddition) = ([], [], nil)
        }

        // The input's gradient likewise.
        if let descriptor = convolution.backwardData, let gradient = bindings.inputGradients[0] {
            let plan = convolution.backwardDataScratch(adds: adds)
            let made = descriptor.memory(dnnl_query_diff_src_md)
            let direct = made == convolution.input
            let temporary = scratch + plan.own + plan.first
            var steps: [Execution] = []
            let weights = try orderedWeights(descriptor, plan, &steps)
            steps.append(
                try Execution(
                    name, descriptor.handle, engine,
                    [
                        outputGradient(descriptor), weights,
                        Argument(
                            index: DNNL_ARG_DIFF_SRC, memory: made,
                            pointer: direct && !adds ? gradient.pointer : temporary),
                        scratchArgument(descriptor),
                    ]))
            let ordered = direct ? temporary : temporary + made.elements
            if !direct {
                steps.append(
                    try .reorder(
                        name, engine, temporary, made, adds ? ordered : gradient.pointer, convolution.input))
            }
            dataSteps = steps
            dataAddition = adds ? (ordered, gradient.pointer, convolution.input.bytes / 4) : nil
        } else {
            (dataSteps, dataAddition) = ([], nil)
        }
    }

    func forward() { run(forwardSteps) }

    /// Before the two others.
    func copyGradient() { run(gradientSteps) }

    func backwardWeights(adds: Bool) {
        run(adds ? addWeights : writeWeights)
        if adds, let weightAddition { add(weightAddition) }
    }

    func backwardData() {
        run(dataSteps)
        if let dataAddition { add(dataAddition) }
    }

    private func run(_ steps: [Execution]) {
        for index in steps.indices { steps[index].run() }
    }

    private func add(_ addition: Addition) {
        mio_add(addition.source, addition.target, Int64(addition.count))
    }
}
