import MIOGraph
import MIOPlan
import MIOTrace

/// The names that a plan's operations have on a timeline, with what each of them costs.
package final class ExecutorTrace {
    private let timeline: Timeline
    private let forward: [Timeline.Name]
    private let backward: [Timeline.Name]

    package init(_ timeline: Timeline, plan: Plan, graph: Graph) {
        self.timeline = timeline
        let layers = plan.operations.map { Self.layer(of: $0, plan, graph) }
        func names(_ direction: String, _ kind: EventKind, _ part: (OperationCost) -> OperationCost.Part)
            -> [Timeline.Name]
        {
            plan.operations.indices.map { index in
                let cost = part(OperationCost(plan.operations[index], in: plan))
                return timeline.add(
                    Timeline.Facts(
                        "\(plan.operations[index].name) \(direction)", kind, layer: layers[index],
                        flops: cost.flops, bytes: cost.bytes, fixedBytes: cost.weightBytes))
            }
        }
        forward = names("forward", .forward, \.forward)
        backward = names("backward", .backward, \.backward)
    }

    /// The call that an operation is part of: its own, or for a copy in another layout that of the tensor's producer.
    private static func layer(of operation: Plan.Operation, _ plan: Plan, _ graph: Graph) -> String {
        switch operation.work {
        case .layer(_, let node, _): graph.nodes[node].name
        case .mask: operation.name
        case .reorder:
            plan.operations.first { $0.outputs.contains(operation.inputs[0]) }.map {
                layer(of: $0, plan, graph)
            }
                ?? plan.tensors[operation.inputs[0]].name
        }
    }

    var now: UInt64 { timeline.now }

    func forward(_ operation: Int, from start: UInt64, samples: Int) {
        timeline.record(forward[operation], from: start, samples: samples)
    }

    func backward(_ operation: Int, from start: UInt64, samples: Int) {
        timeline.record(backward[operation], from: start, samples: samples)
    }
}
