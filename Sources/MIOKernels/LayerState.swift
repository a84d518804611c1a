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

    /// Of all calls that have sums over the batch and state, in the graph's order, which is Keras': of a layer that is called
    /// twice, the second call moves what the first one has moved. The stages of a plan may have another order.
    static func all(of plan: Plan, _ graph: Graph, weights: Storage<Float>, batchSums: Storage<Double>)
        -> [LayerState]
    {
        var found: [(node: Int, state: LayerState)] = []
        for operation in plan.operations {
            guard case .layer(let layer, let node, _) = operation.work, !operation.forwardSums.isEmpty else {
                continue
            }
            let state = operation.weights.map { plan.weights[$0] }
                .filter { graph.weights[$0.index].role == .state }
            guard !state.isEmpty else { continue }
            found.append(
                (
                    node,
                    LayerState(
                        layer: layer, inputShapes: operation.inputs.map { plan.tensors[$0].shape },
                        weights: state.map { weights.pointer + $0.offset },
                        isMasked: operation.masks.first.map { $0 != nil } ?? false,
                        sums: UnsafePointer(batchSums.pointer + operation.forwardSums.lowerBound))
                ))
        }
        return found.sorted { $0.node < $1.node }.map(\.state)
    }
}
