import CDenseLoops
import COneDNN
import MIOBase
import MIOPlan

/// A convolution of one count of samples, with its code and bound to its memory.
final class ConvolutionPasses {
    let samples: Int
    /// Brings the input into the order and numbers that are kept for backward.
    private let sourceSteps: [any ConvolutionStep]
    private let forwardSteps: [any ConvolutionStep]
    /// Where the kernel's gradient is overwritten, and where it is added to.
    private let writeWeights: [any ConvolutionStep]
    private let addWeights: [any ConvolutionStep]
    private let dataSteps: [any ConvolutionStep]
    private let gradientSteps: [any ConvolutionStep]
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
        useBias: Bool, relu: Bool, _ engine: OneDNNEngine
    ) throws(KernelError) {
        self.samples = samples
        let adds = bindings.inputGradients[0]?.flow == .adds
        let needed = convolution.scratchElements(addsInputGradient: adds)
        let own = needed > scratchElements ? Storage<Float>(count: needed) : nil
        ownScratch = own
        let scratch = own?.pointer ?? bindings.scratch
        let weights = bindings.weights[0]

        // Forward: the input and the weights in the order the pass reads them.
        let source = convolution.source
        var sourcePointer = bindings.inputs[0]
        if source == convolution.input {
            sourceSteps = []
        } else {
            sourcePointer = bindings.workspace
            sourceSteps = [
                try Execution.reorder(
                    name, engine, bindings.inputs[0], convolution.input, sourcePointer, source)
            ]
        }
        var steps: [any ConvolutionStep] = []
        /// The input as `work` reads it, copied if it reads other numbers.
        func orderedSource(
            _ work: ConvolutionWork, _ plan: Convolution.Scratch, _ steps: inout [any ConvolutionStep]
        ) throws(KernelError) -> UnsafeMutablePointer<Float> {
            if work.input == source { return sourcePointer }
            let target = scratch + plan.sourceOffset
            steps.append(try Execution.reorder(name, engine, sourcePointer, source, target, work.input))
            return target
        }
        /// The weights as `work` reads them, in the first temporary tensor if they lie otherwise.
        func orderedWeights(
            _ work: ConvolutionWork, _ plan: Convolution.Scratch, _ steps: inout [any ConvolutionStep]
        ) throws(KernelError) -> UnsafeMutablePointer<Float> {
            if work.weights == convolution.weights { return weights }
            let target = scratch + plan.own
            steps.append(
                try Execution.reorder(name, engine, weights, convolution.weights, target, work.weights))
            return target
        }
        let forwardPlan = convolution.forwardScratch
        let made = convolution.forward.output
        let isDirect = made == convolution.output
        let result = isDirect ? bindings.output : scratch + forwardPlan.outputOffset
        let pointers = ConvolutionWork.Pointers(
            input: try orderedSource(convolution.forward, forwardPlan, &steps),
            weights: try orderedWeights(convolution.forward, forwardPlan, &steps),
            bias: useBias ? bindings.weights[1] : nil, output: result, scratch: scratch)
        steps.append(try convolution.forward.step(name, .forward, pointers, relu: relu, engine))
        if !isDirect {
            steps.append(
                try Execution.reorder(name, engine, result, made, bindings.output, convolution.output))
        }
        forwardSteps = steps

        // The output's gradient as the other two read it.
        let copies = convolution.gradientCopies
        let offsets = convolution.gradientCopyOffsets(addsInputGradient: adds)
        var copySteps: [any ConvolutionStep] = []
        if let gradient = bindings.outputGradient {
            for (copy, offset) in zip(copies, offsets) {
                copySteps.append(
                    try Execution.reorder(
                        name, engine, gradient, convolution.output, scratch + offset, copy))
            }
        }
        gradientSteps = copySteps
        func outputGradient(_ work: ConvolutionWork) -> UnsafeMutablePointer<Float>? {
            copies.firstIndex { $0 == work.output }.map { scratch + offsets[$0] } ?? bindings.outputGradient
        }

        // The kernel's gradient: straight to its place, or to a temporary tensor to be added.
        if let work = convolution.backwardWeights, let gradient = bindings.weightGradients[0] {
            let plan = convolution.backwardWeightsScratch
            let made = work.weights
            let direct = made == convolution.weights
            let temporary = scratch + plan.own
            var steps: [any ConvolutionStep] = []
            let ordered = try orderedSource(work, plan, &steps)
            func step(
                into target: UnsafeMutablePointer<Float>
            ) throws(KernelError) -> any ConvolutionStep {
                let pointers = ConvolutionWork.Pointers(
                    input: ordered, weights: target, bias: nil, output: outputGradient(work),
                    scratch: scratch)
                return try work.step(name, .backwardWeights, pointers, relu: false, engine)
            }
            let addend = direct ? temporary : temporary + plan.first
            if direct {
                writeWeights = steps + [try step(into: gradient.pointer)]
                addWeights = steps + [try step(into: temporary)]
            } else {
                steps.append(try step(into: temporary))
                func kept(_ target: UnsafeMutablePointer<Float>) throws(KernelError) -> Execution {
                    try .reorder(name, engine, temporary, made, target, convolution.weights)
                }
                writeWeights = steps + [try kept(gradient.pointer)]
                addWeights = steps + [try kept(addend)]
            }
            weightAddition = (addend, gradient.pointer, convolution.weights.bytes / 4)
        } else {
            (writeWeights, addWeights, weightAddition) = ([], [], nil)
        }

        // The input's gradient likewise.
        if let work = convolution.backwardData, let gradient = bindings.inputGradients[0] {
            let plan = convolution.backwardDataScratch(adds: adds)
            let made = work.input
            let direct = made == convolution.input
            let temporary = scratch + plan.own + plan.first
            var steps: [any ConvolutionStep] = []
            let pointers = ConvolutionWork.Pointers(
                input: direct && !adds ? gradient.pointer : temporary,
                weights: try orderedWeights(work, plan, &steps),
                bias: bindings.passedRelu[0]?.biasGradient?.pointer, output: outputGradient(work),
                scratch: scratch)
            let passesRelu = bindings.passedRelu[0] != nil
            precondition(!passesRelu || convolution.canPassRelu && !adds, "\(name) cannot pass a relu")
            steps.append(try work.step(name, .backwardData, pointers, relu: passesRelu, engine))
            let ordered = direct ? temporary : temporary + made.elements
            if !direct {
                steps.append(
                    try Execution.reorder(
                        name, engine, temporary, made, adds ? ordered : gradient.pointer, convolution.input))
            }
            dataSteps = steps
            dataAddition = adds ? (ordered, gradient.pointer, convolution.input.bytes / 4) : nil
        } else {
            (dataSteps, dataAddition) = ([], nil)
        }
    }

    func forward() {
        copySource()
        run(forwardSteps)
    }

    /// The first part of `forward`.
    func copySource() { run(sourceSteps) }

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

    private func run(_ steps: [any ConvolutionStep]) {
        for index in steps.indices { steps[index].run() }
    }

    private func add(_ addition: Addition) {
        mio_add(addition.source, addition.target, Int64(addition.count))
    }
}
