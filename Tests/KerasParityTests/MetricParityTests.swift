import KerasParity
import MIOConfig
import MIOObjectives
import Testing

/// Metrics where ties, thresholds and weights decide.
@Suite struct MetricParityTests {
    @Test func inTwoUpdatesAndForEachSample() throws {
        let cases = try Golden(named: "metrics")["cases"].list
        #expect(cases.count == 14)
        for one in cases {
            let metric = try MetricRegistry.read(one.configuration, at: ConfigPath(one.place))
            let predictions = try one["prediction"].numbers.map { Float($0) }
            let targets = try one["target"].numbers.map { Float($0) }
            let samples = try one["target"].list.count
            #expect(samples == 6)

            /// The sums of some samples.
            func accumulate(_ range: Range<Int>, _ weights: [Float]?) throws -> MetricSums {
                let width = predictions.count / samples
                let targetWidth = targets.count / samples
                let labelled = [UInt8](repeating: 1, count: range.count)
                let slice = weights.map { Array($0[range]) }
                return predictions.withUnsafeBufferPointer { predictions in
                    targets.withUnsafeBufferPointer { targets in
                        labelled.withUnsafeBufferPointer { labelled in
                            func call(_ weights: UnsafePointer<Float>?) -> MetricSums {
                                metric.accumulateNative(
                                    MetricCall(
                                        positions: range.count, width: width,
                                        targetKind: targetWidth == 1 && width > 1 ? .classIndex : .real,
                                        predictions: predictions.baseAddress! + range.lowerBound * width,
                                        targets: targets.baseAddress! + range.lowerBound * targetWidth,
                                        labelled: labelled.baseAddress!, weights: weights))
                            }
                            guard let slice else { return call(nil) }
                            return slice.withUnsafeBufferPointer { call($0.baseAddress) }
                        }
                    }
                }
            }

            let results = try one["results"].list
            #expect(results.count == 2)
            for result in results {
                let weights =
                    try result["sample_weight"].isNull
                    ? nil : result["sample_weight"].numbers.map { Float($0) }
                let sums = try accumulate(0..<4, weights) + accumulate(4..<6, weights)
                let worst = try Quantity(result["result"]).worst([metric.value(sums)])
                #expect(worst.isWithinTolerance, "\(metric.config.json()): \(worst)")
            }
            let each = try (0..<samples).map { metric.value(try accumulate($0..<$0 + 1, nil)) }
            let worst = try Quantity(one["each"]).worst(each)
            #expect(worst.isWithinTolerance, "\(metric.config.json()): \(worst)")
        }
    }
}
