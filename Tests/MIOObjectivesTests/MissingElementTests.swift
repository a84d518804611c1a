import MIOBase
import MIOObjectives
import Testing

/// Rows of which some elements have no label: what an element-wise loss makes of them is what it makes of the other
/// elements alone.
@Suite struct MissingElementTests {
    static let losses: [any Loss] = [
        MeanSquaredError(), MeanAbsoluteError(), Huber(), Huber(delta: 0.3), BinaryCrossentropy(),
        BinaryCrossentropy(fromLogits: true), BinaryCrossentropy(fromLogits: true, labelSmoothing: 0.2),
        LogCosh(), MeanAbsolutePercentageError(), Hinge(), SquaredHinge(), Pinball(quantiles: [0.3]),
        BinaryFocalCrossentropy(), BinaryFocalCrossentropy(fromLogits: true),
        WeightedBinaryCrossentropy(positiveWeight: [3], fromLogits: true),
    ]

    /// By hand: of (1, 3) missing in the middle, errors 1 and −2.
    @Test func meansOfTheLabelledElements() {
        func run(_ loss: any Loss, _ targets: [Float], missing: Float = .nan) -> LossRun<Float> {
            LossRun<Float>(
                loss, predictions: [2, 7, 1], width: 3, targets: targets, labelled: [LabelMark.part],
                missing: missing, scales: [0.5])
        }
        for (targets, missing) in [([1, .nan, 3], .nan), ([1, -200, 3], -200)] as [([Float], Float)] {
            let square = run(MeanSquaredError(), targets, missing: missing)
            #expect(square.losses == [2.5])
            #expect(square.gradient == [0.5, 0, -1])
            let absolute = run(MeanAbsoluteError(), targets, missing: missing)
            #expect(absolute.losses == [1.5])
            #expect(absolute.gradient == [0.25, 0, -0.25])
            // ½·1² and 1·2 − ½.
            let huber = run(Huber(), targets, missing: missing)
            #expect(huber.losses == [1])
            #expect(huber.gradient == [0.25, 0, -0.25])
        }
        let binary = LossRun<Float>(
            BinaryCrossentropy(), predictions: [0.5, 0.9, 0.25], width: 3, targets: [1, -1, 0],
            labelled: [LabelMark.part], missing: -1)
        // (ln 2 − ln 0.75) ÷ 2; (½ − 1) ÷ ¼ and ¼ ÷ (¼·¾), halved.
        #expect(isClose(binary.losses, [0.490_414_6]))
        #expect(isClose(binary.gradient, [-1, 0, 2.0 / 3]))
    }

    /// Widths below, at and above a vector's 16 lanes, and beyond a stretch of 1024.
    @Test(arguments: [2, 3, 5, 15, 16, 17, 40, 1024, 3000]) func areAsIfTheyWereNotThere(width: Int) {
        var random = PhiloxSequence(seed: 13, stream: UInt64(width))
        let positions = 6
        let missing: Float = -1
        for loss in Self.losses {
            let isBinary = loss.hasClassLabels
            let isProbability = loss.absorbs != nil
            var predictions = (0..<positions * width).map { _ in
                isProbability ? random.nextUniform(0.05, 0.95) : random.nextUniform(-3, 3)
            }
            var targets = (0..<positions * width).map { _ in
                isBinary ? Float(random.nextWord() % 2) : random.nextUniform(0, 3)
            }
            let scales = (0..<positions).map { _ in random.nextUniform(0.1, 2) }
            let whole = LossRun<Float>(
                loss, predictions: predictions, width: width, targets: targets, scales: scales)
            // The third row has no label, the fourth its last alone, the second and last all.
            for index in targets.indices {
                let isMissing =
                    switch index / width {
                    case 2: true
                    case 3: index % width != width - 1
                    case 1, positions - 1: false
                    default: index % width == 0 || random.nextWord() % 3 == 0 && index % width != 1
                    }
                guard isMissing else { continue }
                targets[index] = random.nextWord() % 2 == 0 ? .nan : missing
                // Whatever they are, it does not leak.
                predictions[index] = [.nan, .infinity, -3e38][Int(random.nextWord() % 3)]
            }
            let labelling = TargetLabelling(.real, missing: missing, isElementwise: true)
            var marks = [UInt8](repeating: 9, count: positions)
            let count = labelling.markLabelled(
                targets: targets, positions: positions, targetWidth: width, into: &marks)
            #expect(count == positions - 1)
            #expect(marks == [2, 1, 0, 2, 2, 1])
            let run = LossRun<Float>(
                loss, predictions: predictions, width: width, targets: targets, labelled: marks,
                missing: missing, scales: scales)
            #expect(
                lossesAlone(
                    loss, predictions: predictions, width: width, targets: targets, labelled: marks,
                    missing: missing) == run.losses)
            for position in 0..<positions {
                let range = position * width..<(position + 1) * width
                let kept = range.filter { !targets[$0].isNaN && targets[$0] != missing }
                let rest = LossRun<Double>(
                    loss, predictions: kept.map { Double(predictions[$0]) }, width: max(kept.count, 1),
                    targets: kept.map { targets[$0] }, scales: kept.isEmpty ? [] : [Double(scales[position])])
                let expected = rest.losses.first ?? 0
                // Sums of up to 1024 ÷ 16 parts, of losses up to 9.
                #expect(
                    abs(Double(run.losses[position]) - expected) <= 64 * Double(Float.ulpOfOne)
                        * max(expected, 1),
                    "\(loss), row \(position): \(run.losses[position]), expected \(expected)")
                for (place, index) in kept.enumerated() {
                    // Up to twice a difference of 6, divided by p·(1 − p) ≥ 0.0475, rounded some times; of percentages
                    // four roundings of what they are.
                    let error =
                        18 * 20 * Double(Float.ulpOfOne) * Double(scales[position]) / Double(kept.count)
                        + 4 * Double(Float.ulpOfOne) * abs(rest.gradient[place])
                    #expect(abs(Double(run.gradient[index]) - rest.gradient[place]) <= error, "\(loss)")
                }
                for index in range where !kept.contains(index) {
                    #expect(run.gradient[index] == 0 && run.gradient[index].sign == .plus)
                }
                guard marks[position] == LabelMark.whole else { continue }
                // To the bit what it is where nothing is missing anywhere.
                #expect(run.losses[position] == whole.losses[position])
                #expect(run.gradient[range] == whole.gradient[range])
            }
        }
    }

    /// The plain version, in double precision, against central differences.
    @Test(arguments: MissingElementTests.losses) func gradientsMatchCentralDifferences(loss: any Loss) {
        let targets: [Float] = [1, .nan, 0, 1, .nan]
        let predictions: [Double] = [0.3, 0.6, 0.8, 0.45, 0.2]
        func run(_ predictions: [Double]) -> LossRun<Double> {
            LossRun(
                loss, predictions: predictions, width: 5, targets: targets, labelled: [LabelMark.part],
                scales: [3])
        }
        let gradient = run(predictions).gradient
        let h = 0x1p-17
        for index in predictions.indices {
            var (above, below) = (predictions, predictions)
            above[index] += h
            below[index] -= h
            let expected = 3 * (run(above).losses[0] - run(below).losses[0]) / (2 * h)
            // h²/6 of a third derivative up to 4/0.2³, and the rounding of some 20 operations divided by h; of a
            // percentage of nearly nothing, 5e8.
            let size = max(1, abs(run(predictions).losses[0]))
            #expect(abs(gradient[index] - expected) <= 1e-7 * size, "\(loss) at \(index)")
        }
    }

    @Test(arguments: MissingElementTests.losses) func everyElementwiseLossSaysSo(loss: any Loss) {
        #expect(loss.isElementwise && loss.readingLogits().isElementwise)
    }

    // MARK: Metrics

    @Test func elementwiseMetricsTakeMeansOfTheLabelledElements() {
        // Errors 1 and 3 of the first row, 2 of the second, none of the third.
        let predictions: [Float] = [2, 9, 4, 2, 9, 9, 9, 9, 9]
        let targets: [Float] = [1, .nan, 1, 0, -1, .nan, -1, -1, .nan]
        func value(_ metric: any MeanMetric, weights: [Float]? = nil) -> MetricSums {
            sums(metric, predictions, width: 3, targets, labelled: [2, 2, 0], missing: -1, weights: weights)
        }
        #expect(value(MeanAbsoluteErrorMetric()) == MetricSums(sum: 4, count: 2))
        #expect(value(MeanSquaredErrorMetric()) == MetricSums(sum: 9, count: 2))
        #expect(
            value(MeanSquaredErrorMetric(), weights: [0.5, 2, 7]) == MetricSums(sum: 2.5 + 8, count: 2.5))
        let root = RootMeanSquaredErrorMetric()
        #expect(root.value(value(root)) == 4.5.squareRoot())
        let answers = sums(
            BinaryAccuracyMetric(), [0.9, 0.1, 0.9, 0.4], width: 2, [1, .nan, 0, 0], labelled: [2, 1])
        #expect(answers == MetricSums(sum: 1.5, count: 2))
    }

    /// The metric of a loss' own name is the loss.
    @Test(arguments: [2, 4, 5, 17]) func metricsAgreeWithTheirLosses(width: Int) {
        var random = PhiloxSequence(seed: 14, stream: UInt64(width))
        let predictions = (0..<9 * width).map { _ in random.nextUniform(-2, 2) }
        let targets = (0..<9 * width).map { index in
            index % width != 0 && random.nextWord() % 3 == 0 ? Float.nan : random.nextUniform(-2, 2)
        }
        var marks = [UInt8](repeating: 9, count: 9)
        TargetLabelling(.real, isElementwise: true).markLabelled(
            targets: targets, positions: 9, targetWidth: width, into: &marks)
        for (loss, metric) in [
            (MeanSquaredError(), MeanSquaredErrorMetric()), (MeanAbsoluteError(), MeanAbsoluteErrorMetric()),
        ] as [(any Loss, any MeanMetric)] {
            let losses = lossesAlone(
                loss, predictions: predictions.map(Double.init), width: width, targets: targets,
                labelled: marks)
            let found = sums(metric, predictions, width: width, targets, labelled: marks)
            #expect(found.count == 9)
            #expect(isClose(found.sum, losses.reduce(0, +), ulps: Double(9 * width)))
        }
    }

    /// A box with three numbers has no overlap, a row with one share unknown no largest share.
    @Test func metricsOfWholeRowsLeaveOutTheOthers() {
        let box = sums(
            BoxIoUMetric(), [0, 0, 1, 1, 0, 0, 1, 1], width: 4, [0, 0, 1, .nan, 0, 0, 1, 2], labelled: [2, 1])
        #expect(box == MetricSums(sum: 0.5, count: 1))
        for metric in [
            CategoricalAccuracyMetric(), TopKCategoricalAccuracyMetric(k: 1), AccuracyMetric(),
        ] as [any MeanMetric] {
            let found = sums(
                metric, [0.9, 0.1, 0.2, 0.8], width: 2, [.nan, 1, 0, 1], labelled: [2, 1], weights: [5, 2])
            #expect(found == MetricSums(sum: 2, count: 2))
        }
    }
}
