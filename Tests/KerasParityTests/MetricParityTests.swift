import KerasParity
import MIOBase
import MIOConfig
import MIOObjectives
import Testing

/// Metrics where ties, thresholds and weights decide.
@Suite struct MetricParityTests {
    /// One metric on the samples of a golden case.
    private struct Case {
        let metric: any Metric
        let predictions, targets: [Float]
        let samples = 6
        let width: Int

        init(_ golden: Golden) throws {
            metric = try MetricRegistry.read(golden.configuration, at: ConfigPath(golden.place))
            predictions = try golden["prediction"].numbers.map { Float($0) }
            targets = try golden["target"].numbers.map { Float($0) }
            width = predictions.count / samples
        }

        /// The metric's numbers of some samples, in as many updates as there are ranges.
        func values(_ ranges: [Range<Int>], _ weights: [Float]? = nil) throws -> [Double] {
            let targetWidth = targets.count / samples
            let kind: TargetKind = targetWidth == 1 && width > 1 ? .classIndex : .real
            let shape = Shape([width])
            try metric.check(prediction: shape, targetKind: kind)
            var sums = [Double](repeating: 0, count: metric.sumCount(prediction: shape))
            for range in ranges {
                let labelled = [UInt8](repeating: 1, count: range.count)
                let slice = weights.map { Array($0[range]) } ?? []
                predictions.withUnsafeBufferPointer { predictions in
                    targets.withUnsafeBufferPointer { targets in
                        labelled.withUnsafeBufferPointer { labelled in
                            slice.withUnsafeBufferPointer { slice in
                                metric.add(
                                    MetricCall(
                                        positions: range.count, width: width, targetKind: kind,
                                        predictions: predictions.baseAddress! + range.lowerBound * width,
                                        targets: targets.baseAddress! + range.lowerBound * targetWidth,
                                        labelled: labelled.baseAddress!,
                                        weights: weights == nil ? nil : slice.baseAddress), to: &sums)
                            }
                        }
                    }
                }
            }
            var values = [Double](repeating: .nan, count: metric.valueNames(prediction: shape).count)
            metric.write(sums, prediction: shape, to: &values)
            return values
        }
    }

    private func check(_ golden: Golden) throws {
        let one = try Case(golden)
        let results = try golden["results"].list
        #expect(results.count == 2)
        for result in results {
            let weights =
                try result["sample_weight"].isNull
                ? nil : result["sample_weight"].numbers.map { Float($0) }
            let worst = try Quantity(result["result"]).worst(try one.values([0..<4, 4..<6], weights))
            #expect(worst.isWithinTolerance, "\(one.metric.config.json()): \(worst)")
        }
        if let golden = try golden.optional("each") {
            let each = try (0..<one.samples).flatMap { try one.values([$0..<$0 + 1]) }
            let worst = try Quantity(golden).worst(each)
            #expect(worst.isWithinTolerance, "\(one.metric.config.json()), each: \(worst)")
        }
        // What a job's resolved file says reads as the same.
        let read = try MetricRegistry.read(one.metric.config, at: ConfigPath("metric"))
        #expect(read.config == one.metric.config)
    }

    @Test func inTwoUpdatesAndForEachSample() throws {
        let golden = try Golden(named: "metrics")
        let cases = try golden["cases"].list
        #expect(cases.count == 14)
        for one in cases { try check(one) }
        let further = try golden["further"].list
        #expect(further.count == 77)
        for one in further { try check(one) }
    }

    /// Some of every class that Keras has, of arguments that were drawn.
    @Test func randomArguments() throws {
        let cases = try Golden(random: "metrics")["cases"].list
        let classes = try Set(cases.map { try $0["class"].string })
        // `accuracy` is one of three others; Keras has no metric of boxes.
        #expect(Set(MetricRegistry.classNames).subtracting(classes) == ["Accuracy", "BoxIoU"])
        for one in cases { try check(one) }
    }
}
