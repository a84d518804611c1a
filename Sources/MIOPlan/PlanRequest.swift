import MIOGraph

/// What a plan is made for.
package struct PlanRequest: Sendable {
    /// What an output's loss wants of the plan.
    package struct OutputRequest: Hashable, Sendable {
        /// In the graph.
        package let name: String
        /// The final activation that the loss prefers to compute itself, from logits, if the output has it.
        package let absorbs: Activation?
        /// Whether there is a loss; without one the output is computed but teaches nothing.
        package let trained: Bool
        /// Numbers that the loss must know of the whole batch before its gradient; 0 for most.
        package let batchSums: Int

        package init(name: String, absorbs: Activation?, trained: Bool, batchSums: Int = 0) {
            self.name = name
            self.absorbs = absorbs
            self.trained = trained
            self.batchSums = batchSums
        }
    }

    package var graph: Graph
    /// One for each output of the graph, in its order.
    package var outputs: [OutputRequest]
    /// The most samples a pass has, at least 1.
    package var samples: Int
    /// Elements a bucket of gradients has at least, before it is closed.
    package var bucketElements: Int
    /// Whether there is no backward at all: evaluation and prediction.
    package var forwardOnly: Bool

    package init(
        graph: Graph, outputs: [OutputRequest], samples: Int, bucketElements: Int = 1 << 20,
        forwardOnly: Bool = false
    ) {
        precondition(samples >= 1, "a plan is for at least one sample a pass")
        precondition(
            outputs.map(\.name) == graph.outputs.map(\.name), "one request for each output, in their order")
        self.graph = graph
        self.outputs = outputs
        self.samples = samples
        self.bucketElements = bucketElements
        self.forwardOnly = forwardOnly
    }
}
