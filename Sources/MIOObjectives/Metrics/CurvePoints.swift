import MIOBase
import MIOConfig

/// The thresholds at which a metric looks for the best point of a curve.
struct CurvePoints: Hashable, Sendable {
    let classID: Int?
    let counts: ThresholdCounts

    init(thresholds: Int, classID: Int?) {
        precondition(thresholds >= 1 && classID ?? 0 >= 0, "\(thresholds) thresholds")
        self.classID = classID
        counts = ThresholdCounts(thresholds: Thresholds(evenly: thresholds))
    }

    init(reading reader: inout ConfigReader) throws(ConfigError) {
        self.init(
            thresholds: try reader.integer("num_thresholds", default: 200, atLeast: 1, atMost: 1_000_000),
            classID: try reader.optionalInteger("class_id", atLeast: 0))
    }

    func config(_ entries: ConfigDictionary) -> ConfigValue {
        var entries = entries
        entries["num_thresholds"] = .integer(counts.count)
        if let classID { entries["class_id"] = .integer(classID) }
        return .dictionary(entries)
    }
}

/// A metric that is the best of something at all thresholds where something else is good enough.
protocol CurveMetric: Metric {
    var points: CurvePoints { get }
    /// What a threshold offers; `nil` where it is not good enough.
    func candidate(_ answers: ThresholdCounts.Answers) -> Double?
}

extension CurveMetric {
    public func check(prediction: Shape, targetKind: TargetKind) throws(MetricShapeError) {
        try AnswerCounting(classID: points.classID).check(self, prediction, targetKind)
    }

    public func sumCount(prediction: Shape) -> Int { points.counts.sumCount }

    public func add(_ call: MetricCall, to sums: UnsafeMutablePointer<Double>) {
        call.forEachElement { place, prediction, target, weight in
            guard points.classID == nil || points.classID == place else { return }
            points.counts.add(prediction: prediction, target: target, weight: weight, to: sums)
        }
    }

    public func write(
        _ sums: UnsafePointer<Double>, prediction: Shape, to values: UnsafeMutablePointer<Double>
    ) {
        values[0] = 0
        points.counts.forEachThreshold(sums) { values[0] = max(values[0], candidate($1) ?? 0) }
    }
}
