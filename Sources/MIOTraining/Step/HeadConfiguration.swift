import MIOGraph
import MIOObjectives
import MIOTensor

/// What an output of the model learns from, and how it is judged.
public struct HeadConfiguration: Sendable {
    /// The output's name in the graph.
    public let output: String
    /// `nil`: the output is computed, but teaches nothing.
    public let loss: (any Loss)?
    /// What its loss counts in the total.
    public let weight: Double
    /// Unweighted, as Keras' `metrics`.
    public let metrics: [any Metric]
    /// Weighted by the samples' weights, as Keras' `weighted_metrics`.
    public let weightedMetrics: [any Metric]
    /// The class index that means: no label.
    public let missingLabel: Int

    public init(
        output: String, loss: (any Loss)?, weight: Double = 1, metrics: [any Metric] = [],
        weightedMetrics: [any Metric] = [], missingLabel: Int = TargetLabelling.defaultMissingLabel
    ) {
        self.output = output
        self.loss = loss
        self.weight = weight
        self.metrics = metrics
        self.weightedMetrics = weightedMetrics
        self.missingLabel = missingLabel
    }

    var allMetrics: [any Metric] { metrics + weightedMetrics }

    /// The activation whose logits the loss prefers.
    var absorbs: Activation? { loss?.absorbs.flatMap { Activation(rawValue: $0.rawValue) } }
}
