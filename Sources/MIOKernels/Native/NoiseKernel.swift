import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// Normal numbers added or multiplied, in vectors, of the same random numbers as the plain layer.
final class NoiseKernel: WeightlessKernel {
    private let layer: any NormalNoise
    private let streams: RandomStreams
    private let bindings: Bindings
    private let elements: Int

    static func choice(_ layer: any NormalNoise, _ request: KernelRequest) -> KernelChoice? {
        guard request.outputShape.count > 0, request.outputShape.count <= UInt32.max else { return nil }
        return KernelChoice(
            algorithm: "vector loop", inputLayouts: [.canonical], weightElements: [], weightLayouts: [],
            backwardReadsInputs: false, backwardReadsOutput: false)
    }

    init(_ layer: any NormalNoise, _ description: KernelDescription) {
        self.layer = layer
        streams = description.streams
        bindings = description.bindings
        elements = description.outputShape.count
    }

    func forward(_ pass: Pass) {
        guard pass.context.training, layer.deviation > 0 else {
            return bindings.output.update(from: bindings.inputs[0], count: pass.samples * elements)
        }
        guard layer.multiplies else {
            return withKey(pass) { key in
                mio_add_noise(
                    key, pass.context.step, UInt32(truncatingIfNeeded: pass.context.firstSample),
                    Int64(pass.samples), Int64(elements), Float(layer.deviation), bindings.inputs[0],
                    bindings.output)
            }
        }
        multiply(pass, bindings.inputs[0], bindings.output, adds: false)
    }

    func backward(_ pass: Pass) {
        guard let gradient = bindings.outputGradient, let target = bindings.inputGradients[0] else { return }
        let adds = target.flow == .adds
        guard layer.multiplies, pass.context.training, layer.deviation > 0 else {
            return mio_elementwise_gradient(
                mio_activation_linear, gradient, gradient, target.pointer, Int64(pass.samples * elements),
                adds)
        }
        multiply(pass, gradient, target.pointer, adds: adds)
    }

    private func multiply(
        _ pass: Pass, _ source: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>, adds: Bool
    ) {
        withKey(pass) { key in
            mio_multiply_noise(
                key, pass.context.step, UInt32(truncatingIfNeeded: pass.context.firstSample),
                Int64(pass.samples), Int64(elements), Float(layer.deviation), source, target, adds)
        }
    }

    private func withKey(_ pass: Pass, _ body: (UnsafePointer<UInt32>) -> Void) {
        let key = layer.philox(seed: pass.context.seed, streams).key
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 2) { words in
            words[0] = key[0]
            words[1] = key[1]
            body(UnsafePointer(words.baseAddress!))
        }
    }
}
