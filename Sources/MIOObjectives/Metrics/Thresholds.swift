import MIOConfig

/// Thresholds that predictions are compared with, in ascending order, as Keras has them.
struct Thresholds: Hashable, Sendable {
    let values: [Float]
    /// Whether they are 0, 1 ÷ (n − 1), 2 ÷ (n − 1) … 1, so that a prediction's place among them can be computed.
    private let isEven: Bool
    /// Whether the first is a little below 0 and the last a little above 1: then every prediction is above the first.
    private let hasMargin: Bool

    /// Keras' `backend.epsilon()`.
    private static let margin: Float = 1e-7

    /// Some thresholds.
    init(_ values: [Double]) {
        self.values = values.sorted().map { Float($0) }
        isEven = Self.areEven(values.sorted())
        hasMargin = false
    }

    /// 0, 1 ÷ (count − 1) … 1; ½ alone.
    init(evenly count: Int) {
        values = count == 1 ? [0.5] : (0..<count).map { Float(Double($0) / Double(count - 1)) }
        isEven = count > 1
        hasMargin = false
    }

    /// Those of a curve: some between 0 and 1, one a little below 0 and one a little above 1.
    init(between: [Double]) {
        let sorted = between.sorted()
        values = [-Self.margin] + sorted.map { Float($0) } + [1 + Self.margin]
        isEven = Self.areEven([0] + sorted + [1])
        hasMargin = true
    }

    /// As numpy's `allclose` with this `atol` has it.
    private static func areEven(_ values: [Double]) -> Bool {
        guard values.count >= 3 else { return false }
        return values.enumerated().allSatisfy { index, value in
            let even = Double(Float(index) / Float(values.count - 1))
            return abs(value - even) <= Double(margin) + 1e-5 * abs(even)
        }
    }

    /// How many thresholds are below a prediction.
    @inline(__always)
    func below(_ prediction: Float) -> Int {
        guard isEven else { return countBelow(prediction) }
        // A prediction that is not a number is above nothing.
        guard prediction > 0 else { return hasMargin ? 1 : 0 }
        let place = Int((min(prediction, 1) * Float(values.count - 1)).rounded(.up))
        return hasMargin ? max(place, 1) : place
    }

    private func countBelow(_ prediction: Float) -> Int {
        var (low, high) = (0, values.count)
        while low < high {
            let middle = (low + high) / 2
            if values[middle] < prediction { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// Elements counted by how many thresholds their predictions are above: what the counts of right and wrong answers at all
/// thresholds are made of.
///
/// Sums: the weights of positives (a target other than 0) above 0, 1, 2 … all thresholds, then those of negatives.
struct ThresholdCounts: Hashable, Sendable {
    let thresholds: Thresholds

    var count: Int { thresholds.values.count }
    var sumCount: Int { 2 * (count + 1) }

    @inline(__always)
    func add(
        prediction: Float, target: Float, weight: Double, to sums: UnsafeMutablePointer<Double>
    ) {
        sums[thresholds.below(prediction) + (target == 0 ? count + 1 : 0)] += weight
    }

    /// What is right and wrong at one threshold.
    struct Answers {
        let truePositives, falsePositives, falseNegatives, trueNegatives: Double

        /// tp ÷ (tp + fp), 0 without any.
        var precision: Double { share(truePositives, falsePositives) }
        /// tp ÷ (tp + fn): also called sensitivity.
        var recall: Double { share(truePositives, falseNegatives) }
        /// tn ÷ (tn + fp)
        var specificity: Double { share(trueNegatives, falsePositives) }
        /// fp ÷ (fp + tn)
        var falsePositiveRate: Double { share(falsePositives, trueNegatives) }

        private func share(_ a: Double, _ b: Double) -> Double { a + b == 0 ? 0 : a / (a + b) }
    }

    /// Calls a function with every threshold's answers, the highest threshold first.
    @inline(__always)
    func forEachThreshold(
        _ sums: UnsafePointer<Double>, _ body: (_ index: Int, _ answers: Answers) -> Void
    ) {
        let (positives, negatives) = (sums, sums + count + 1)
        var (allPositives, allNegatives) = (0.0, 0.0)
        for slot in 0...count {
            allPositives += positives[slot]
            allNegatives += negatives[slot]
        }
        var (truePositives, falsePositives) = (0.0, 0.0)
        for index in (0..<count).reversed() {
            truePositives += positives[index + 1]
            falsePositives += negatives[index + 1]
            body(
                index,
                Answers(
                    truePositives: truePositives, falsePositives: falsePositives,
                    falseNegatives: allPositives - truePositives,
                    trueNegatives: allNegatives - falsePositives))
        }
    }
}
