import MIOComm
import MIOOptimizers
import MIOPlan
import MIOTensor

/// The optimizer at work on the slabs: its slots, its count of updates, clipping.
public final class OptimizerState {
    public let optimizer: any Optimizer
    /// One slab a slot, laid out like the gradients.
    public let slots: [Storage<Float>]
    /// Updates done so far: Keras' `iterations`.
    public var updates = 0
    private let parameters: [Plan.ParameterPlan]
    private let elements: Int
    private let squaredNorms: Storage<Double>
    private let scales: Storage<Double>

    public init(_ optimizer: any Optimizer, plan: Plan) {
        self.optimizer = optimizer
        elements = plan.trainedElements
        slots = optimizer.slotNames.map { _ in Storage(count: plan.trainedElements) }
        parameters = plan.parameters.filter(\.trainable)
        squaredNorms = Storage(count: parameters.count)
        scales = Storage(count: parameters.count)
    }

    /// The learning rate of the next update.
    public var learningRate: Double { optimizer.options.learningRate.value(at: updates) }

    /// Looks at the whole gradient: whether every element is finite. The same on all ranks, since they hold
    /// the same bits.
    func inspect(_ gradients: Storage<Float>) -> Bool {
        guard optimizer.options.clipping.needsNorms else {
            return areFinite(gradients.pointer, count: elements)
        }
        var isFinite = true
        for (index, parameter) in parameters.enumerated() {
            let square = sumOfSquares(gradients.pointer + parameter.offset, count: parameter.elements)
            squaredNorms.pointer[index] = square
            isFinite = isFinite && square.isFinite
        }
        return isFinite
    }

    /// The parameters whose gradient is not finite; for messages.
    func nonFiniteParameters(_ gradients: Storage<Float>) -> [String] {
        parameters.filter { !sumOfSquares(gradients.pointer + $0.offset, count: $0.elements).isFinite }
            .map(\.name)
    }

    /// Changes the weights by the gradients, which `inspect` has seen.
    func update(weights: Storage<Float>, gradients: Storage<Float>) {
        let scalars = optimizer.makeUpdate(step: updates)
        if optimizer.options.clipping.needsNorms {
            optimizer.options.clipping.writeScales(
                squaredNorms: UnsafeBufferPointer(squaredNorms.buffer), to: scales.buffer)
            for (index, parameter) in parameters.enumerated() {
                optimizer.updateNative(
                    range(parameter.offset, parameter.elements, weights, gradients, scales.pointer[index]),
                    with: scalars)
            }
        } else {
            optimizer.updateNative(range(0, elements, weights, gradients, 1), with: scalars)
        }
        updates += 1
    }

    private func range(
        _ offset: Int, _ count: Int, _ weights: Storage<Float>, _ gradients: Storage<Float>, _ scale: Double
    ) -> ParameterRange<Float> {
        ParameterRange(
            count: count, weights: weights.pointer + offset,
            gradient: UnsafePointer(gradients.pointer + offset),
            slots: SlotPointers(slot(0, offset), slot(1, offset), slot(2, offset)), gradientScale: scale)
    }

    private func slot(_ index: Int, _ offset: Int) -> UnsafeMutablePointer<Float>? {
        index < slots.count ? slots[index].pointer + offset : nil
    }
}
