import COneDNN
import Foundation
import MIOGraph
import MIOPlan
import MIOTensor

/// Measures, for the convolutions that could be computed in several ways, which one is fastest here.
extension NativeBackend {
    /// What measurements hold for: the processor and the library.
    public var machine: String {
        let cpu = FileManager.default.contents(atPath: "/proc/cpuinfo").map {
            String(decoding: $0, as: UTF8.self)
        }
        let wanted = ["cpu family", "model", "model name", "stepping"]
        var words: [String] = []
        // The first processor's lines: `model name\t: Intel(R) Xeon(R) Processor`.
        for line in (cpu ?? "").split(separator: "\n").prefix(12) {
            let parts = line.split(separator: ":", maxSplits: 1).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            if parts.count == 2, wanted.contains(parts[0]) { words.append(parts[1]) }
        }
        let version = dnnl_version().pointee
        return words.joined(separator: " ") + ", oneDNN \(version.major).\(version.minor).\(version.patch), "
            + "instructions \(dnnl_get_effective_cpu_isa().rawValue)"
    }

    /// A tuning for a plan of this backend: of what is known, and of measurements where there is a choice that nobody
    /// has made yet.
    /// - Returns: the tuning, and whether anything was measured.
    public func tuning(for plan: Plan, known: Tuning) -> (tuning: Tuning, measured: Bool) {
        var (result, all) = (Tuning(), known)
        var measured = false
        for operation in plan.operations {
            guard case .layer(let layer as Conv2D, _, let choice) = operation.work,
                choice.algorithm != "reference", choice.algorithm != FewFiltersKernel.algorithm
            else { continue }
            let request = Convolution.Request(
                layer: layer, inputShape: plan.tensors[operation.inputs[0]].shape,
                outputShape: plan.tensors[operation.output].shape, inputLayout: choice.inputLayouts[0],
                outputLayout: choice.outputLayout,
                sharesWeights: false, needsInputGradient: operation.inputGradients[0] != .none,
                trainsWeights: operation.weightGradients[0] != .none)
            let candidates = request.candidates(engine, threads: threads, precision: precision)
            guard candidates.count > 1 else { continue }
            let key = request.key(engine, samples: plan.samples, threads: threads, precision: precision)
            var passes: [ConvolutionPass] = [.forward]
            if request.trainsWeights { passes.append(.backwardWeights) }
            if request.needsInputGradient { passes.append(.backwardData) }
            if passes.contains(where: { all.pick(key, $0) == nil }) {
                measured = true
                let times = candidates.map { measure(request, $0, samples: plan.samples) }
                for pass in passes { all.set(fastest(candidates, times.map { $0[pass] }), key, pass) }
            }
            for pass in passes { if let pick = all.pick(key, pass) { result.set(pick, key, pass) } }
        }
        return (result, measured)
    }

    /// The first candidate, unless another takes a tenth less: what is about equal must not change from one run to
    /// the next.
    private func fastest(_ candidates: [ConvolutionCandidate], _ times: [Double?]) -> ConvolutionCandidate {
        var best = 0
        for index in candidates.indices.dropFirst() {
            guard let time = times[index] else { continue }
            if time < (times[best] ?? .infinity) * 0.9 { best = index }
        }
        return candidates[best]
    }

    /// Seconds of each pass, the fastest of three; none where it cannot be run.
    private func measure(_ request: Convolution.Request, _ candidate: ConvolutionCandidate, samples: Int)
        -> [ConvolutionPass: Double]
    {
        prepareThread()
        guard
            let found = try? Convolution(request, samples: samples, engine, picks: { _ in candidate })
        else { return [:] }
        func storage(_ elements: Int) -> Storage<Float> { Storage(count: max(elements, 1)) }
        let (input, output) = (storage(found.input.elements), storage(found.output.elements))
        let inputGradient = storage(request.needsInputGradient ? found.input.elements : 0)
        let outputGradient = storage(
            request.trainsWeights || request.needsInputGradient ? found.output.elements : 0)
        let (weights, weightGradient) = (storage(found.weights.elements), storage(found.weights.elements))
        let (bias, workspace) = (storage(request.layer.filters), storage(found.workspaceElements))
        let scratch = storage(found.scratchElements(addsInputGradient: false))
        let bindings = Bindings(
            inputs: [input.pointer],
            inputGradients: [
                request.needsInputGradient ? Gradient(pointer: inputGradient.pointer, flow: .first) : nil
            ],
            passedRelu: [nil], output: output.pointer, outputGradient: outputGradient.pointer,
            weights: [weights.pointer, bias.pointer],
            weightGradients: [
                request.trainsWeights ? Gradient(pointer: weightGradient.pointer, flow: .first) : nil, nil,
            ], scratch: scratch.pointer, workspace: workspace.pointer)
        guard
            let passes = try? ConvolutionPasses(
                "tuning", found, samples: samples, bindings, scratchElements: scratch.count,
                useBias: request.layer.useBias, relu: request.layer.activation == .relu, engine)
        else { return [:] }
        func seconds(_ body: () -> Void) -> Double {
            body()
            return (0..<3).map { _ in
                let began = DispatchTime.now().uptimeNanoseconds
                body()
                return Double(DispatchTime.now().uptimeNanoseconds - began) * 1e-9
            }.min()!
        }
        let times: [ConvolutionPass: Double] = [
            .forward: seconds { passes.forward() },
            .backwardWeights: seconds {
                passes.copyGradient()
                passes.backwardWeights(adds: false)
            },
            .backwardData: seconds {
                passes.copyGradient()
                passes.backwardData()
            },
        ]
        return withExtendedLifetime(
            [input, output, inputGradient, outputGradient, weights, weightGradient, bias, workspace, scratch]
        ) { times }
    }
}
