import MIOBase
import MIOObjectives
import MIOTraining
import Testing

/// Names and numbers of what a step logs, from sums that are given.
@Suite struct LogNamesTests {
    /// Outputs of three units.
    private func shaped(_ outputs: [OutputSpecification]) -> [(
        specification: OutputSpecification, shape: Shape
    )] {
        outputs.map { (specification: $0, shape: [3]) }
    }

    private static let kind = OutputSpecification(
        "kind", loss: SparseCategoricalCrossentropy(), metrics: [AccuracyMetric()],
        weightedMetrics: [AccuracyMetric(name: "weighted")])
    private static let box = OutputSpecification(
        "box", loss: MeanSquaredError(), weight: 0.5, metrics: [RootMeanSquaredErrorMetric(name: "rmse")])

    private func list(_ names: LogNames, _ totals: [Double]) -> [String: Double] {
        let sums = StepSums(names)
        sums.totals = totals
        return Dictionary(uniqueKeysWithValues: zip(names.names, sums.list()))
    }

    @Test func severalOutputsHavePrefixes() {
        let names = LogNames(
            trained: shaped([Self.kind, Self.box]), modelOutputs: 2, hasRegularization: false)
        #expect(
            names.names == ["loss", "kind_loss", "box_loss", "kind_accuracy", "kind_weighted", "box_rmse"])
        // Of each output Σ w·ℓ and its denominator, then sum and count of each metric.
        let logged = list(names, [6, 4, 3, 4, 1, 2, 10, 5, 9, 4])
        #expect(
            logged == [
                "loss": 1.5 + 0.5 * 2, "kind_loss": 1.5, "box_loss": 2, "kind_accuracy": 0.75,
                "kind_weighted": 0.5, "box_rmse": 1.5,
            ])
    }

    @Test func oneOutputHasNoPrefixAndNoLossOfItsOwn() {
        let names = LogNames(trained: shaped([Self.box]), modelOutputs: 1, hasRegularization: false)
        #expect(names.names == ["loss", "rmse"])
        #expect(list(names, [8, 2, 4, 1]) == ["loss": 2, "rmse": 2])
    }

    /// A model of several outputs of which one is trained.
    @Test func outputsWithoutALossAreNotLogged() {
        let names = LogNames(trained: shaped([Self.box]), modelOutputs: 3, hasRegularization: false)
        #expect(names.names == ["loss", "box_loss", "box_rmse"])
    }

    @Test func regularizersAreInTheLossAndApart() {
        let names = LogNames(trained: shaped([Self.box]), modelOutputs: 1, hasRegularization: true)
        #expect(names.names == ["loss", "regularization_loss", "rmse"])
        // The terms of two steps of 30 and 10 samples: weighed by them, as Keras weighs batches.
        let logged = list(names, [8, 2, 4, 1, 30 * 0.5 + 10 * 0.9, 40])
        #expect(logged["regularization_loss"] == 0.6)
        #expect(logged["loss"] == 2 + 0.6)
    }

    @Test func nothingIsZeroWhereNothingWasCounted() {
        let names = LogNames(
            trained: shaped([Self.kind, Self.box]), modelOutputs: 2, hasRegularization: true)
        #expect(list(names, [Double](repeating: 0, count: 12)).values.allSatisfy { $0 == 0 })
    }

    @Test func sumsOfStepsAddUp() {
        let names = LogNames(trained: shaped([Self.box]), modelOutputs: 1, hasRegularization: false)
        let (epoch, step) = (StepSums(names), StepSums(names))
        for totals: [Double] in [[2, 1, 1, 1], [10, 3, 8, 8], [0, 0, 0, 0]] {
            step.totals = totals
            epoch.add(step)
        }
        // Means over all steps, not means of the steps' means.
        #expect(epoch.totals == [12, 4, 9, 9])
        // The output has a weight of a half.
        #expect(epoch.list() == [0.5 * 3, 1])
        epoch.reset()
        #expect(epoch.totals == [0, 0, 0, 0])
    }
}
