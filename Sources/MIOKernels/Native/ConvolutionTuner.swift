import COneDNN
import Foundation
import MIOBase
import MIOGraph
import MIOPlan
import MIOSystem
import MIOThreads

/// Measures, for the convolutions that could be computed in several ways, which one is fastest here.
extension NativeBackend {
    /// What measurements hold for: the processor, as Linux tells on x86-64 and on Arm, and oneDNN.
    package var machine: String {
        let cpu = SystemFile.text("/proc/cpuinfo") ?? ""
        let wanted = [
            "cpu family", "model", "model name", "stepping", "CPU implementer", "CPU architecture",
            "CPU variant", "CPU part", "CPU revision",
        ]
        var words: [String] = []
        // The first processor's lines: `model name\t: Intel(R) Xeon(R) Processor`.
        for line in cpu.split(separator: "\n").prefix(12) {
            let parts = line.split(separator: ":", maxSplits: 1).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            if parts.count == 2, wanted.contains(parts[0]) { words.append(parts[1]) }
        }
        let version = dnnl_version().pointee
        return words.joined(separator: " ") + ", oneDNN \(version.major).\(version.minor).\(version.patch), "
            + "instructions \(dnnl_get_effective_cpu_isa().rawValue)"
    }

    /// A tuning for plans of a request: of what is known, and of measurements where there is a choice that nobody has made
    /// yet.
    /// - Returns: the tuning, and whether anything was measured.
    package func tuning(for request: PlanRequest, known: Tuning) -> (tuning: Tuning, measured: Bool) {
        tuning(for: request, known: known, stopwatch: nil)
    }

    /// - Parameter stopwatch: says how long everything takes; `nil` for a clock.
    package func tuning(for request: PlanRequest, known: Tuning, stopwatch: TuningStopwatch?)
        -> (tuning: Tuning, measured: Bool)
    {
        var tuner = PlanTuner(self, request, known: known, stopwatch)
        let tuning = tuner.run()
        return (tuning, tuner.hasMeasured)
    }

    /// The shortest of three runs after a first one.
    private func seconds(_ body: () -> Void) -> Double {
        body()
        return (0..<3).map { _ in
            let began = MonotonicClock.nanoseconds
            body()
            return Double(MonotonicClock.nanoseconds - began) * 1e-9
        }.min()!
    }

    /// Of a convolution whose every pass goes this way; `nil` where it cannot be run, or by plain loops only.
    func measure(_ request: Convolution.Request, _ candidate: ConvolutionCandidate, samples: Int)
        -> ConvolutionTimes?
    {
        prepareThread()
        guard
            let found = try? Convolution(request, samples: samples, engine, picks: { _ in candidate }),
            !found.isPlain
        else { return nil }
        // No zeros: a processor may do those with less power, at a higher clock.
        func storage(_ elements: Int) -> Storage<Float> {
            let storage = Storage<Float>(count: max(elements, 1))
            storage.fill(0.5)
            return storage
        }
        let (input, output) = (storage(found.input.elements), storage(found.output.elements))
        let inputGradient = storage(request.needsInputGradient ? found.input.elements : 0)
        let outputGradient = storage(
            request.trainsWeights || request.needsInputGradient ? found.output.elements : 0)
        let (weights, weightGradient) = (storage(found.weights.elements), storage(found.weights.elements))
        let (bias, workspace) = (storage(request.convolution.filters), storage(found.workspaceElements))
        let scratch = storage(found.scratchElements(addsInputGradient: false))
        let bindings = Bindings(
            inputs: [input.pointer],
            inputGradients: [
                request.needsInputGradient ? Gradient(pointer: inputGradient.pointer, flow: .first) : nil
            ],
            passedRelu: [nil], masks: [], outputs: [output.pointer],
            outputGradients: [outputGradient.pointer],
            weights: [weights.pointer, bias.pointer],
            weightGradients: [
                request.trainsWeights ? Gradient(pointer: weightGradient.pointer, flow: .first) : nil, nil,
            ], scratch: scratch.pointer, workspace: workspace.pointer)
        guard
            let passes = try? ConvolutionPasses(
                "tuning", found, samples: samples, bindings, scratchElements: scratch.count,
                useBias: request.convolution.useBias, relu: request.convolution.activation == .relu, engine)
        else { return nil }
        // What a pass of float32 reads in another order is its own affair: every way brings the input there.
        let keeps = candidate.roundsFactors && found.workspaceElements > 0
        let sourceCopy = keeps ? seconds { passes.copySource() } : 0
        let times = ConvolutionTimes(
            sourceCopy: sourceCopy, gradientCopy: seconds { passes.copyGradient() },
            forward: max(0, seconds { passes.forward() } - sourceCopy),
            backwardWeights: seconds { passes.backwardWeights(adds: false) },
            backwardData: seconds { passes.backwardData() })
        return withExtendedLifetime(
            [input, output, inputGradient, outputGradient, weights, weightGradient, bias, workspace, scratch]
        ) { times }
    }

    /// Of a pass with made-up numbers.
    func measure(_ plan: Plan, _ request: PlanRequest) -> Double? {
        guard let executor = try? Executor(plan: plan, graph: request.graph, backend: self),
            (try? executor.prepare(samples: plan.samples)) != nil
        else { return nil }
        for weight in plan.weights {
            let description = request.graph.weights[weight.index].description
            executor.setCanonical(
                description.initialValues(seed: 1, stream: weight.index), weight, in: executor.weights)
        }
        var random = PhiloxSequence(seed: 1, stream: 0)
        // Whole numbers stay at 0, which every table has a row for.
        for input in plan.inputs where plan.tensors[input].element == .float32 {
            let values = executor.value(input)
            for index in 0..<plan.samples * plan.tensors[input].elements {
                values[index] = random.nextUniform(0, 1)
            }
        }
        let pass = Pass(samples: plan.samples, context: CallContext(training: true, seed: 1))
        let trains = plan.operations.contains(where: \.hasBackward)
        return seconds {
            executor.forward(pass)
            guard trains else { return }
            for output in plan.outputs {
                guard let gradient = executor.gradient(output.tensor) else { continue }
                gradient.update(repeating: 1e-3, count: plan.samples * plan.tensors[output.tensor].elements)
            }
            executor.backward(pass) { _ in }
        }
    }

    /// Of a Dense's products of one pass.
    func measure(_ product: DenseProducts, _ candidate: ProductCandidate, _ pass: ConvolutionPass) -> Double?
    {
        prepareThread()
        return product.run(candidate, pass, engine).map { run in seconds(run) }
    }
}

extension Convolution.Request {
    /// Of a plan's operation that could be computed in several ways; `nil` for others.
    init?(_ operation: Plan.Operation, in plan: Plan) {
        guard case .layer(let layer as any ConvolutionLayer, _, let choice) = operation.work,
            choice.kernel == .convolution,
            let resolved = try? layer.resolved([plan.tensors[operation.inputs[0]].shape])
        else { return nil }
        self.init(
            convolution: resolved.convolution, inputLayout: choice.inputLayouts[0],
            outputLayout: choice.outputLayout, sharesWeights: false,
            needsInputGradient: operation.inputGradients[0] != .none,
            trainsWeights: operation.weightGradients[0] != .none)
    }
}
