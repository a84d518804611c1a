import MIOBase
import MIOConfig
import MIOObjectives
import Testing

/// A metric's numbers of some positions: the sums are made in two calls, which add.
private func values(
    _ metric: any Metric, _ predictions: [Float], width: Int, _ targets: [Float], labelled: [UInt8]? = nil,
    missing: Float = .nan, weights: [Float]? = nil, kind: TargetKind = .real
) throws -> [Double] {
    let shape = Shape([width])
    try metric.check(prediction: shape, targetKind: kind)
    let positions = predictions.count / width
    let targetWidth = targets.count / positions
    let marks = labelled ?? [UInt8](repeating: 1, count: positions)
    var sums = [Double](repeating: 0, count: metric.sumCount(prediction: shape))
    func add(
        _ range: Range<Int>, _ predictions: UnsafePointer<Float>, _ targets: UnsafePointer<Float>,
        _ labelled: UnsafePointer<UInt8>, _ weights: UnsafePointer<Float>?
    ) {
        metric.add(
            MetricCall(
                positions: range.count, width: width, targetKind: kind,
                predictions: predictions + range.lowerBound * width,
                targets: targets + range.lowerBound * targetWidth, labelled: labelled + range.lowerBound,
                missing: missing, weights: weights.map { $0 + range.lowerBound }), to: &sums)
    }
    for range in [0..<positions / 2, positions / 2..<positions] {
        if let weights {
            add(range, predictions, targets, marks, weights)
        } else {
            add(range, predictions, targets, marks, nil)
        }
    }
    var values = [Double](repeating: .nan, count: metric.valueNames(prediction: shape).count)
    metric.write(sums, prediction: shape, to: &values)
    return values
}

@Suite struct AUCTests {
    /// Keras' example: areas of 0.75, and of 1 where the fourth counts for nothing.
    @Test func kerasExample() throws {
        let auc = AUCMetric(count: 3)
        #expect(try values(auc, [0, 0.5, 0.3, 0.9], width: 1, [0, 0, 1, 1]) == [0.75])
        #expect(try values(auc, [0, 0.5, 0.3, 0.9], width: 1, [0, 0, 1, 1], weights: [1, 0, 0, 1]) == [1])
    }

    @Test func everyOrderOfAnswersHasItsArea() throws {
        // Of 2 × 2 pairs the right order in 4, 3 and 0 of them.
        let auc = AUCMetric()
        #expect(try values(auc, [0.1, 0.2, 0.8, 0.9], width: 1, [0, 0, 1, 1]) == [1])
        #expect(try values(auc, [0.1, 0.8, 0.2, 0.9], width: 1, [0, 0, 1, 1]) == [0.75])
        #expect(try values(auc, [0.8, 0.9, 0.1, 0.2], width: 1, [0, 0, 1, 1]) == [0])
        // Equal ones are half right.
        #expect(try values(auc, [0.5, 0.5], width: 1, [0, 1]) == [0.5])
        #expect(try values(auc, [.nan, 2, -3, .infinity], width: 1, [0, 1, 0, 1]) == [1])
    }

    @Test func unitsOfTheirOwn() throws {
        let predictions: [Float] = [0.1, 0.9, 0.9, 0.1]
        #expect(try values(AUCMetric(multiLabel: true), predictions, width: 2, [0, 0, 1, 1]) == [0.5])
        #expect(
            try values(
                AUCMetric(multiLabel: true, labelWeights: [3, 1]), predictions, width: 2, [0, 0, 1, 1]) == [
                    0.75
                ])
        let error = #expect(throws: MetricShapeError.self) {
            try AUCMetric(multiLabel: true, labels: 3).check(prediction: [2], targetKind: .real)
        }
        #expect(error?.description.contains("expected num_labels of its 2 units, found 3") == true)
    }

    @Test func missingElementsAreLeftOut() throws {
        // Without the second element of the first row.
        #expect(
            try values(
                AUCMetric(), [0.2, 0.9, 0.8, 0.1], width: 2, [0, .nan, 1, 0], labelled: [2, 1]) == [1])
        #expect(
            try values(
                AUCMetric(), [0.2, 0.9, 0.8, 0.1], width: 2, [0, -1, 1, 0], labelled: [2, 1], missing: -1)
                == [1])
        #expect(try values(AUCMetric(), [0.2, 0.9], width: 1, [1, 0], labelled: [0, 0]) == [0])
    }
}

@Suite struct AnswerMetricTests {
    /// Keras' examples.
    @Test func precisionAndRecall() throws {
        let (predictions, targets): ([Float], [Float]) = ([1, 0, 1, 1], [0, 1, 1, 1])
        #expect(try values(PrecisionMetric(), predictions, width: 1, targets) == [2.0 / 3])
        #expect(try values(RecallMetric(), predictions, width: 1, targets) == [2.0 / 3])
        let weights: [Float] = [0, 0, 1, 0]
        #expect(try values(PrecisionMetric(), predictions, width: 1, targets, weights: weights) == [1])
        // Nothing is answered with yes.
        #expect(try values(PrecisionMetric(), [0.5, 0], width: 1, [1, 1]) == [0])
        let top = AnswerCounting(topK: 2)
        #expect(
            try values(PrecisionMetric(counting: top), [0.2, 0.1, 0.5, 0.2], width: 4, [0, 0, 1, 1]) == [0.5])
        let unit = AnswerCounting(topK: 2, classID: 3)
        #expect(
            try values(RecallMetric(counting: unit), [0.2, 0.1, 0.5, 0.2], width: 4, [0, 0, 1, 1]) == [0])
    }

    @Test func aNumberForEachThreshold() throws {
        let counting = AnswerCounting(thresholds: [0.75, 0.25])
        let (predictions, targets): ([Float], [Float]) = ([0.1, 0.5, 0.9, 0.25], [1, 0, 1, 1])
        #expect(
            try values(TruePositivesMetric(counting: counting), predictions, width: 1, targets) == [1, 1])
        #expect(
            try values(FalsePositivesMetric(counting: counting), predictions, width: 1, targets) == [1, 0])
        #expect(
            try values(TrueNegativesMetric(counting: counting), predictions, width: 1, targets) == [0, 1])
        #expect(
            try values(FalseNegativesMetric(counting: counting), predictions, width: 1, targets) == [2, 2])
        #expect(
            PrecisionMetric(name: "p", counting: counting).valueNames(prediction: [1]) == [
                "p_0.25", "p_0.75",
            ]
        )
    }

    /// Keras' examples.
    @Test func bestPoints() throws {
        let (predictions, targets): ([Float], [Float]) = ([0, 0.3, 0.8, 0.3, 0.8], [0, 0, 0, 1, 1])
        #expect(
            try values(SensitivityAtSpecificityMetric(specificity: 0.5), predictions, width: 1, targets) == [
                0.5
            ])
        #expect(
            try values(
                SpecificityAtSensitivityMetric(sensitivity: 0.5), predictions, width: 1, targets) == [2.0 / 3]
        )
        #expect(try values(PrecisionAtRecallMetric(recall: 0.5), predictions, width: 1, targets) == [0.5])
        #expect(try values(RecallAtPrecisionMetric(precision: 0.8), predictions, width: 1, targets) == [0])
    }

    @Test(
        arguments: [
            (
                .dictionary(["class": "Precision", "thresholds": 1.5]),
                "m.thresholds: expected a number from 0 to 1, or "
                    + "a list of them, found the number 1.5"
            ),
            (
                .dictionary(["class": "Recall", "top_k": 0]),
                "m.top_k: expected an integer of at least 1, found the integer 0"
            ),
            (
                .dictionary(["class": "AUC", "curve": "rock"]),
                "m.curve: unknown name \"rock\"; did you mean \"ROC\"? Valid "
                    + "names: ROC, PR, PRGAIN"
            ),
            (
                .dictionary(["class": "AUC", "num_labels": 3]),
                "m.num_labels: expected only with multi_label: true; remove it"
            ),
            (
                .dictionary(["class": "F1Score", "average": "mean"]),
                "m.average: unknown name \"mean\". Valid names: micro, "
                    + "macro, weighted"
            ),
            (
                .dictionary(["class": "IoU", "num_classes": 3, "target_class_ids": [3]]),
                "m.target_class_ids: expected "
                    + "classes from 0 to 2, found 3"
            ),
        ] as [(ConfigValue, String)]) func refusesWithTheWholeStory(value: ConfigValue, message: String)
    {
        let error = #expect(throws: ConfigError.self) { try MetricRegistry.read(value, at: ConfigPath("m")) }
        #expect(error?.description == message)
    }
}

@Suite struct FScoreTests {
    /// Keras' example: ½, 0.8 and ⅔ to within ε.
    @Test func kerasExample() throws {
        let targets: [Float] = [1, 1, 1, 1, 0, 0, 1, 1, 0]
        let predictions: [Float] = [0.2, 0.6, 0.7, 0.2, 0.6, 0.6, 0.6, 0.8, 0]
        let scores = try values(F1ScoreMetric(threshold: 0.5), predictions, width: 3, targets)
        for (score, expected) in zip(scores, [0.5, 0.8, 2.0 / 3]) { #expect(abs(score - expected) < 1e-6) }
        #expect(F1ScoreMetric().valueNames(prediction: [3]) == ["f1_score_0", "f1_score_1", "f1_score_2"])
        let mean = try values(F1ScoreMetric(average: .macro, threshold: 0.5), predictions, width: 3, targets)
        #expect(mean.count == 1 && abs(mean[0] - scores.reduce(0, +) / 3) < 1e-12)
        // Classes occur 3, 2 and 1 times.
        let weighted = try values(
            F1ScoreMetric(average: .weighted, threshold: 0.5), predictions, width: 3, targets)
        #expect(abs(weighted[0] - (3 * scores[0] + 2 * scores[1] + scores[2]) / 6) < 1e-6)
    }

    @Test func recallCountsBetaTimes() throws {
        // Precision 1, recall ½: 5·½ ÷ (4 + ½).
        let score = try values(
            FBetaScoreMetric(average: .micro, beta: 2, threshold: 0.5), [0.9, 0.1], width: 1, [1, 1])
        #expect(abs(score[0] - 2.5 / 4.5) < 1e-6)
    }
}

@Suite struct OverlapMetricTests {
    /// Keras' example: of no 1 of 3, of yes 1 of 3.
    @Test func binary() throws {
        let found = try values(
            BinaryIoUMetric(threshold: 0.3), [0.1, 0.2, 0.4, 0.7], width: 1, [0, 1, 0, 1])
        #expect(abs(found[0] - 1.0 / 3) < 1e-6)
        let yes = try values(
            BinaryIoUMetric(targets: [1], threshold: 0.3), [0.1, 0.2, 0.4, 0.7], width: 1, [0, 1, 0, 1],
            weights: [0.2, 0.3, 0.4, 0.1])
        #expect(abs(yes[0] - 0.1 / 0.8) < 1e-6)
    }

    @Test func classes() throws {
        // Predicted 1, 0, 1, true 1, 0, 0; class 2 occurs nowhere.
        let predictions: [Float] = [0.1, 0.7, 0.2, 0.9, 0, 0.1, 0.2, 0.5, 0.3]
        let all = try values(
            MeanIoUMetric(classes: 3, sparsePredictions: false), predictions, width: 3, [1, 0, 0],
            kind: .classIndex)
        #expect(abs(all[0] - 0.5) < 1e-6)
        let one = try values(
            OneHotIoUMetric(classes: 3, targets: [0]), predictions, width: 3, [0, 1, 0, 1, 0, 0, 1, 0, 0])
        #expect(abs(one[0] - 0.5) < 1e-6)
        let error = #expect(throws: MetricShapeError.self) {
            try MeanIoUMetric(classes: 3).check(prediction: [3], targetKind: .classIndex)
        }
        #expect(error?.description.contains("set sparse_y_pred: false") == true)
    }
}

@Suite struct R2ScoreTests {
    @Test func byHand() throws {
        // Targets 1 and 3 vary by 2; errors 1 and 0.
        let score = R2ScoreMetric()
        #expect(try values(score, [2, 3], width: 1, [1, 3]) == [0.5])
        #expect(try values(score, [2, 7, 3, 1], width: 2, [1, .nan, 3, .nan], labelled: [2, 2]) == [0.25])
        #expect(
            try values(R2ScoreMetric(aggregation: nil), [2, 7, 3, 1], width: 2, [1, 7, 3, 1]) == [0.5, 1])
        // 1 − ½·3 ÷ 2 of four elements and one regressor.
        let adjusted = try values(
            R2ScoreMetric(regressors: 1), [2, 2, 3, 3], width: 1, [1, 1, 3, 3])
        #expect(adjusted == [0.25])
        // No variance, nothing counted.
        #expect(try values(score, [2, 3], width: 1, [1, 1]) == [0])
        #expect(try values(score, [2, 3], width: 1, [1, 3], labelled: [0, 0]) == [0])
    }
}
