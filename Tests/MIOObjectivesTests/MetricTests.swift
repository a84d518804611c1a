import Foundation
import MIOBase
import MIOConfig
import MIOObjectives
import Testing

func sums(
    _ metric: any MeanMetric, _ predictions: [Float], width: Int, _ targets: [Float],
    labelled: [UInt8]? = nil, missing: Float = .nan, weights: [Float]? = nil, kind: TargetKind = .real
) -> MetricSums {
    let positions = predictions.count / width
    let labelled = labelled ?? [UInt8](repeating: 1, count: positions)
    // A function, because the arrays it is given live until it returns.
    func accumulate(
        _ predictions: UnsafePointer<Float>, _ targets: UnsafePointer<Float>,
        _ labelled: UnsafePointer<UInt8>, _ weights: UnsafePointer<Float>?
    ) -> MetricSums {
        let call = MetricCall(
            positions: positions, width: width, targetKind: kind, predictions: predictions,
            targets: targets, labelled: labelled, missing: missing, weights: weights)
        let (native, plain) = (metric.accumulateNative(call), metric.accumulate(call))
        // The same terms in another order: as many roundings as positions.
        for (a, b) in [(native.sum, plain.sum), (native.count, plain.count)] {
            #expect(
                abs(a - b) <= Double(positions) * .ulpOfOne * abs(b) || a == b || a.isNaN && b.isNaN,
                "\(metric): \(a), plainly \(b)")
        }
        return native
    }
    guard let weights else { return accumulate(predictions, targets, labelled, nil) }
    return accumulate(predictions, targets, labelled, weights)
}

@Suite struct AccuracyTests {
    /// The examples of Keras' documentation.
    @Test func kerasExamples() {
        let binary = BinaryAccuracyMetric()
        #expect(sums(binary, [0.98, 1, 0, 0.6], width: 1, [1, 1, 0, 0]) == MetricSums(sum: 3, count: 4))
        #expect(
            binary.value(sums(binary, [0.98, 1, 0, 0.6], width: 1, [1, 1, 0, 0], weights: [1, 0, 0, 1]))
                == 0.5)
        let rows: [Float] = [0.1, 0.9, 0.8, 0.05, 0.95, 0]
        #expect(
            sums(CategoricalAccuracyMetric(), rows, width: 3, [0, 0, 1, 0, 1, 0])
                == MetricSums(sum: 1, count: 2))
        let sparse = sums(
            SparseCategoricalAccuracyMetric(), [0.1, 0.6, 0.3, 0.05, 0.95, 0], width: 3, [2, 1],
            weights: [0.75, 0.25], kind: .classIndex)
        #expect(sparse == MetricSums(sum: 0.25, count: 1))
        #expect(
            sums(TopKCategoricalAccuracyMetric(k: 1), rows, width: 3, [0, 0, 1, 0, 1, 0])
                == MetricSums(sum: 1, count: 2))
        #expect(
            sums(SparseTopKCategoricalAccuracyMetric(k: 2), rows, width: 3, [2, 1], kind: .classIndex)
                == MetricSums(sum: 2, count: 2))
    }

    @Test func elementsOfARowAreAveraged() {
        // Two of three right; 0.5 is not above the threshold.
        #expect(
            sums(BinaryAccuracyMetric(), [0.5, 0.9, 0.2], width: 3, [0, 1, 1]).sum == 2.0 / 3)
        #expect(sums(BinaryAccuracyMetric(threshold: 0.25), [0.5], width: 1, [1]).sum == 1)
    }

    @Test func tiesGoToTheFirst() {
        #expect(sums(SparseCategoricalAccuracyMetric(), [1, 1], width: 2, [0], kind: .classIndex).sum == 1)
        #expect(sums(SparseCategoricalAccuracyMetric(), [1, 1], width: 2, [1], kind: .classIndex).sum == 0)
        // Two are tied for first: both are in the top 1.
        let top1 = SparseTopKCategoricalAccuracyMetric(k: 1)
        #expect(sums(top1, [1, 1, 0], width: 3, [1], kind: .classIndex).sum == 1)
        #expect(sums(top1, [1, 1, 0], width: 3, [2], kind: .classIndex).sum == 0)
        #expect(sums(top1, [1, .nan, 0], width: 3, [1], kind: .classIndex).sum == 0)
    }

    /// Of widths around a vector and numbers of rows around sixteen, with ties, numbers that are none, weights,
    /// and targets that are no class.
    @Test(arguments: Array(1...17) + [31, 32, 33, 40]) func vectorsAgreeWithThePlainLoop(_ width: Int) {
        var random = PhiloxSequence(seed: 3, stream: UInt64(width))
        let scores: [Float] = [0, 0, 1, 2, 2, -.infinity, .infinity, .nan, -0.0, 3]
        for positions in Array(1...40) + [300] {
            let predictions = (0..<positions * width).map { index in
                // Every third row has scores that all differ.
                index / width % 3 == 0
                    ? random.nextUniform(0, 1) : scores[Int(random.nextUniform(0, 10).rounded(.down)) % 10]
            }
            let targets = (0..<positions).map { position -> Float in
                let target = random.nextUniform(-1, Float(width) + 1)
                return position % 5 == 0 ? target : target.rounded(.down)
            }
            let labelled = (0..<positions).map { UInt8(positions % 8 == 0 || $0 % 7 == 0 ? 0 : 1) }
            let weights = (0..<positions).map { _ in random.nextUniform(0, 2) }
            var (hits, all, weightedHits, allWeights) = (0.0, 0.0, 0.0, 0.0)
            for position in 0..<positions where labelled[position] != 0 {
                let row = predictions[position * width..<(position + 1) * width]
                var best = row.startIndex
                for index in row.indices where row[index] > row[best] { best = index }
                let isHit = Float(best - row.startIndex) == targets[position]
                hits += isHit ? 1 : 0
                all += 1
                weightedHits += isHit ? Double(weights[position]) : 0
                allWeights += Double(weights[position])
            }
            let metric = SparseCategoricalAccuracyMetric()
            #expect(
                sums(metric, predictions, width: width, targets, labelled: labelled, kind: .classIndex)
                    == MetricSums(sum: hits, count: all), "\(positions) rows")
            #expect(
                sums(
                    metric, predictions, width: width, targets, labelled: labelled, weights: weights,
                    kind: .classIndex) == MetricSums(sum: weightedHits, count: allWeights),
                "\(positions) rows")
        }
    }

    /// The other metrics that choose or compare in vectors, likewise.
    @Test(arguments: Array(1...17) + [31, 32, 33, 100]) func ranksAgreeWithThePlainLoop(_ width: Int) {
        var random = PhiloxSequence(seed: 4, stream: UInt64(width))
        let scores: [Float] = [0, 0, 1, 2, 2, -.infinity, .infinity, .nan, -0.0, 3]
        for position in 0..<200 {
            let row = (0..<width).map { _ in
                position % 3 == 0
                    ? random.nextUniform(0, 1) : scores[Int(random.nextUniform(0, 10).rounded(.down)) % 10]
            }
            let targets = (0..<width).map { _ in Float(Int(random.nextUniform(0, 3))) / 2 }
            func firstLargest(_ row: [Float]) -> Int {
                row.indices.reduce(0) { row[$1] > row[$0] ? $1 : $0 }
            }
            let (predicted, target) = (firstLargest(row), firstLargest(targets))
            #expect(
                sums(CategoricalAccuracyMetric(), row, width: width, targets).sum
                    == (predicted == target ? 1 : 0), "\(row), \(targets)")
            for k in [1, 2, 5] {
                let larger = row.count { $0 > row[target] }
                let isIn = row[target].isFinite && larger < k
                #expect(
                    sums(TopKCategoricalAccuracyMetric(k: k), row, width: width, targets).sum
                        == (isIn ? 1 : 0), "\(k), \(row), \(targets)")
            }
            let answers = zip(row, targets).count { ($0 > 0.5 ? 1 : 0) == $1 }
            #expect(
                sums(BinaryAccuracyMetric(), row, width: width, targets).sum
                    == Double(answers) / Double(width), "\(row), \(targets)")
        }
    }

    @Test func accuracyChoosesItsMeaning() {
        let accuracy = AccuracyMetric()
        #expect(sums(accuracy, [0.9, 0.1], width: 1, [1, 1]) == MetricSums(sum: 1, count: 2))
        #expect(sums(accuracy, [0.2, 0.8], width: 2, [1], kind: .classIndex) == MetricSums(sum: 1, count: 1))
        #expect(sums(accuracy, [0.2, 0.8], width: 2, [1, 0]) == MetricSums(sum: 0, count: 1))
    }

    @Test func unlabelledPositionsDoNotCount() {
        let counted = sums(
            SparseCategoricalAccuracyMetric(), [0, 1, 1, 0], width: 2, [-1, 0], labelled: [0, 1],
            kind: .classIndex)
        #expect(counted == MetricSums(sum: 1, count: 1))
        #expect(sums(MeanAbsoluteErrorMetric(), [1, 5], width: 1, [.nan, 2], labelled: [0, 1]).sum == 3)
        #expect(MeanAbsoluteErrorMetric().value(MetricSums()) == 0)
    }
}

@Suite struct RegressionMetricTests {
    @Test func byHand() {
        // Errors (3, −1) and (0, 2): mean absolute 2 and 1, mean square 5 and 2.
        let (predictions, targets): ([Float], [Float]) = ([3, 0, 1, 3], [0, 1, 1, 1])
        #expect(
            sums(MeanAbsoluteErrorMetric(), predictions, width: 2, targets) == MetricSums(sum: 3, count: 2))
        #expect(
            sums(MeanSquaredErrorMetric(), predictions, width: 2, targets) == MetricSums(sum: 7, count: 2))
        let root = RootMeanSquaredErrorMetric()
        #expect(root.value(sums(root, predictions, width: 2, targets)) == 3.5.squareRoot())
        #expect(
            root.value(sums(root, predictions, width: 2, targets, weights: [0.25, 0.75])) == 2.75.squareRoot()
        )
    }

    @Test func partsAdd() {
        let metric = MeanSquaredErrorMetric()
        let first = sums(metric, [3, 0], width: 2, [0, 1])
        let second = sums(metric, [1, 3], width: 2, [1, 1])
        #expect(metric.value(first + second) == 3.5)
    }
}

@Suite struct BoxIoUTests {
    /// 2×2 boxes that share a quarter: 1 of 4 + 4 − 1.
    @Test(
        arguments: [
            (BoxFormat.xyxy, [0, 0, 2, 2], [1, 1, 3, 3]),
            (.xywh, [0, 0, 2, 2], [1, 1, 2, 2]),
            (.centerXYWH, [1, 1, 2, 2], [2, 2, 2, 2]),
        ] as [(BoxFormat, [Float], [Float])]) func quarterOverlap(format: BoxFormat, a: [Float], b: [Float])
    {
        #expect(sums(BoxIoUMetric(boxFormat: format), a, width: 4, b) == MetricSums(sum: 1.0 / 7, count: 1))
        #expect(sums(BoxIoUMetric(boxFormat: format), a, width: 4, a).sum == 1)
    }

    @Test func emptyAndApart() {
        let metric = BoxIoUMetric()
        #expect(sums(metric, [0, 0, 1, 1], width: 4, [2, 2, 3, 3]).sum == 0)
        #expect(sums(metric, [1, 1, 1, 1], width: 4, [1, 1, 1, 1]).sum == 0)
        #expect(sums(metric, [2, 2, 0, 0], width: 4, [0, 0, 2, 2]).sum == 0)
    }
}

@Suite struct MetricRegistryTests {
    private let path = ConfigPath("outputs.kind.metrics[0]")

    private func read(_ value: ConfigValue) throws -> any Metric { try MetricRegistry.read(value, at: path) }

    @Test func logNamesAreAsWritten() throws {
        for (value, name) in [
            ("accuracy", "accuracy"), ("acc", "acc"), ("mae", "mae"),
            (.dictionary(["class": "MeanAbsoluteError"]), "mean_absolute_error"),
            (.dictionary(["class": "TopKCategoricalAccuracy", "k": 3, "name": "top3"]), "top3"),
            (.dictionary(["name": "mse"]), "mse"),
        ] as [(ConfigValue, String)] {
            #expect(try read(value).name == name)
        }
    }

    @Test(
        arguments: [
            (
                "acuracy" as ConfigValue,
                "outputs.kind.metrics[0]: expected a metric: "
                    + ConfigReader.unknown("acuracy", valid: MetricRegistry.all)
            ),
            (
                .dictionary(["class": "BinaryAccuracy", "treshold": 0.5]),
                "outputs.kind.metrics[0].treshold: unknown key; did you mean \"threshold\"? Valid keys here: class, name, "
                    + "threshold"
            ),
            (
                .dictionary(["class": "BinaryAccuracy", "threshold": .real(.infinity)]),
                "outputs.kind.metrics[0].threshold: expected a finite number, found inf"
            ),
            (
                .dictionary(["class": "TopKCategoricalAccuracy", "k": 0]),
                "outputs.kind.metrics[0].k: expected an integer of at least 1, found the integer 0"
            ),
            (
                .dictionary(["class": "BoxIoU", "box_format": "xyhw"]),
                "outputs.kind.metrics[0].box_format: unknown name \"xyhw\"; did you mean \"xywh\"? "
                    + "Valid names: xyxy, xywh, center_xywh"
            ),
        ] as [(ConfigValue, String)]) func refusesWithTheWholeStory(value: ConfigValue, message: String)
    {
        let error = #expect(throws: ConfigError.self) { try read(value) }
        #expect(error?.description == message)
    }

    @Test func refusesOutputsThatDoNotSuit() throws {
        #expect(
            throws: MetricShapeError(
                metric: "categorical_accuracy", prediction: [10],
                reason:
                    "it expects one-hot targets, and these are class indices. Use sparse_categorical_accuracy"
            )
        ) { try CategoricalAccuracyMetric().check(prediction: [10], targetKind: .classIndex) }
        let error = #expect(throws: MetricShapeError.self) {
            try BoxIoUMetric().check(prediction: [5], targetKind: .real)
        }
        #expect(
            error?.description
                == "metric box_iou does not suit a prediction of shape (5,): expected boxes, 4 numbers on the last "
                + "axis of predictions and targets")
        #expect(throws: MetricShapeError.self) {
            try MeanAbsoluteErrorMetric().check(prediction: [10], targetKind: .classIndex)
        }
        #expect(throws: MetricShapeError.self) {
            try SparseTopKCategoricalAccuracyMetric().check(prediction: [10], targetKind: .real)
        }
        try AccuracyMetric().check(prediction: [10], targetKind: .classIndex)
        try BoxIoUMetric().check(prediction: [4], targetKind: .real)
    }
}
