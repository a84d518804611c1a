import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// Blocked images side by side along their channels: whole blocks are copied, sample by sample.
final class ConcatenateKernel: WeightlessKernel {
    private let bindings: Bindings
    private let inputElements: [Int]
    private let outputElements: Int

    static func choice(_ layer: Concatenate, _ request: KernelRequest) -> KernelChoice? {
        guard request.outputShape.rank == 3, layer.sampleAxis(rank: 3) == 2,
            case .channelBlocked(let block) = request.inputLayouts[0],
            request.inputLayouts.allSatisfy({ $0 == .channelBlocked(block: block) }),
            request.inputShapes.allSatisfy({ $0[2] % block == 0 })
        else { return nil }
        return KernelChoice(
            algorithm: "copies of blocks", inputLayouts: request.inputLayouts,
            outputLayout: .channelBlocked(block: block), weightElements: [], weightLayouts: [],
            backwardReadsInputs: false, backwardReadsOutput: false)
    }

    init(_ description: KernelDescription) {
        bindings = description.bindings
        inputElements = description.inputShapes.map(\.count)
        outputElements = description.outputShape.count
    }

    func forward(_ pass: Pass) {
        for sample in 0..<pass.samples {
            var target = bindings.output + sample * outputElements
            for input in 0..<inputElements.count {
                let count = inputElements[input]
                target.update(from: bindings.inputs[input] + sample * count, count: count)
                target += count
            }
        }
    }

    func backward(_ pass: Pass) {
        guard let gradient = bindings.outputGradient else { return }
        for sample in 0..<pass.samples {
            var source = gradient + sample * outputElements
            for input in 0..<inputElements.count {
                let count = inputElements[input]
                if let target = bindings.inputGradients[input] {
                    mio_elementwise_gradient(
                        mio_activation_linear, source, source, target.pointer + sample * count, Int64(count),
                        target.flow == .adds)
                }
                source += count
            }
        }
    }
}

/// A kernel without weights: nothing to convert, nothing to prepare.
protocol WeightlessKernel: Kernel {}

extension WeightlessKernel {
    func prepare(samples: Int) {}

    func convert(weight: Int, stored: UnsafePointer<Float>, to canonical: UnsafeMutablePointer<Float>) {
        preconditionFailure("no weight \(weight)")
    }
    func convert(weight: Int, canonical: UnsafePointer<Float>, to stored: UnsafeMutablePointer<Float>) {
        preconditionFailure("no weight \(weight)")
    }
}
