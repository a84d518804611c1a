import MIOBase
import MIOGraph
import MIOPlan

/// The weights that one call of a layer changes itself, once a step: its moving averages.
struct LayerState {
    private let layer: any Layer
    private let inputShapes: [Shape]
    private let weights: [UnsafeMutablePointer<Float>]
    private let isMasked: Bool
    private let sums: UnsafePointer<Double>

    func update() {
        layer.updateState(weights, inputShapes: inputShapes, isMasked: isMasked, sums: sums)
    }

    /// Of all calls that have sums over the batch and state, in the order of forward.
    static func all(of plan: Plan, _ graph: Graph, weights: Storage<Float>, batchSums: Storage<Double>)
        -> [LayerState]
    {
        plan.operations.compactMap { operation in
            guard case .layer(let layer, _, _) = operation.work, !operation.forwardSums.isEmpty else {
                return nil
            }
            let state = operation.weights.map { plan.parameters[$0] }
                .filter { graph.parameters[$0.index].role == .state }
            guard !state.isEmpty else { return nil }
            return LayerState(
                layer: layer, inputShapes: operation.inputs.map { plan.tensors[$0].shape },
                weights: state.map { weights.pointer + $0.offset },
                isMasked: operation.masks.first.map { $0 != nil } ?? false,
                sums: UnsafePointer(batchSums.pointer + operation.forwardSums.lowerBound))
        }
    }
}
