import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// Two steps with numbers that are repeated, in vectors.
final class AffineKernel: Kernel {
    private let layer: any AffineLayer
    private let bindings: Bindings
    private let shape: Shape
    private let isInteger: Bool
    private let weightElements: [Int]
    /// Of each step: its places, and its numbers.
    private let axes: [MergeAxes]
    private let numbers: [Storage<Float>]
    private let kinds: [AffineStep.Kind]
    /// Those that the numbers are made of.
    private let weights: [Storage<Float>]

    static func choice(_ layer: any AffineLayer, _ request: KernelRequest) -> KernelChoice? {
        let shape = request.outputShape
        let weights = layer.weights(for: request.inputShapes)
        guard shape.count > 0, steps(layer, shape, weights.map(\.shape.count))?.isEmpty == false else {
            return nil
        }
        return KernelChoice(
            algorithm: "vector loop", inputLayouts: [.canonical], weightElements: weights.map(\.shape.count),
            weightLayouts: weights.map { _ in "canonical" }, backwardReadsInputs: false,
            backwardReadsOutput: false)
    }

    /// The steps' places and kinds, whatever the weights are.
    private static func steps(_ layer: any AffineLayer, _ shape: Shape, _ weights: [Int])
        -> [(axes: MergeAxes, step: AffineStep)]?
    {
        let zeros = weights.map { Storage<Float>(count: $0) }
        for weight in zeros { weight.fill(0) }
        defer { withExtendedLifetime(zeros) {} }
        let steps = layer.steps(of: shape, weights: zeros.map { UnsafePointer($0.pointer) })
        let all = steps.compactMap { step in
            MergeAxes(Broadcast([shape, step.shape], to: shape), counts: [shape.count, 0]).map { ($0, step) }
        }
        return all.count == steps.count ? all : nil
    }

    init(_ layer: any AffineLayer, _ description: KernelDescription) {
        self.layer = layer
        bindings = description.bindings
        shape = description.outputShape
        isInteger = description.inputElements.first == .int32
        weightElements = description.choice.weightElements
        guard let steps = Self.steps(layer, shape, weightElements) else {
            preconditionFailure("axes were chosen")
        }
        axes = steps.map(\.axes)
        kinds = steps.map(\.step.kind)
        numbers = steps.map { Storage(count: $0.step.numbers.count) }
        weights = weightElements.map { Storage(count: $0) }
        for weight in weights { weight.fill(0) }
        set(steps.map(\.step))
    }

    private func set(_ steps: [AffineStep]) {
        for (step, storage) in zip(steps, numbers) {
            for (index, number) in step.numbers.enumerated() { storage.pointer[index] = Float(number) }
        }
    }

    func prepare(samples: Int) {}

    /// Computes the numbers anew where weights are others than before: they have been loaded since.
    private func takeWeights() {
        var areSame = true
        for (weight, known) in zip(bindings.weights, weights) {
            for i in 0..<known.count where known.pointer[i].bitPattern != weight[i].bitPattern {
                areSame = false
                known.pointer[i] = weight[i]
            }
        }
        if areSame { return }
        set(layer.steps(of: shape, weights: weights.map { UnsafePointer($0.pointer) }))
    }

    func forward(_ pass: Pass) {
        takeWeights()
        var source = UnsafePointer(bindings.inputs[0])
        if isInteger {
            let integers = UnsafeRawPointer(source).assumingMemoryBound(to: Int32.self)
            for i in 0..<pass.samples * shape.count { bindings.output[i] = Float(integers[i]) }
            source = UnsafePointer(bindings.output)
        }
        for index in axes.indices {
            let code =
                switch kinds[index] {
                case .sum: mio_merge_sum
                case .difference: mio_merge_difference
                case .product: mio_merge_product
                case .quotient: mio_merge_quotient
                }
            var loops = axes[index].loops(samples: pass.samples, a: 0, b: 1)
            mio_merge_tensors(code, &loops, source, numbers[index].pointer, 1, bindings.output)
            source = UnsafePointer(bindings.output)
        }
    }

    func backward(_ pass: Pass) {
        guard let gradient = bindings.outputGradient, let target = bindings.inputGradients[0] else { return }
        for index in axes.indices where kinds[index] == .product || kinds[index] == .quotient {
            var loops = axes[index].loops(samples: pass.samples, a: 1, b: 1, c: 0)
            mio_merge_backward(
                kinds[index] == .product ? mio_gradient_product : mio_gradient_quotient, &loops, gradient,
                numbers[index].pointer, numbers[index].pointer, 1, target.pointer, target.flow == .adds)
        }
    }

    func convert(weight: Int, stored: UnsafePointer<Float>, to canonical: UnsafeMutablePointer<Float>) {
        canonical.update(from: stored, count: weightElements[weight])
    }

    func convert(weight: Int, canonical: UnsafePointer<Float>, to stored: UnsafeMutablePointer<Float>) {
        stored.update(from: canonical, count: weightElements[weight])
    }
}
