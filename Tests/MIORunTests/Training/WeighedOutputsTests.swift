import Foundation
import MIOBase
import MIOFormats
import MIOJob
import MIOObjectives
import SmallJobs
import Testing

/// Class weights, weights of losses that move, and averages of weights, in whole runs.
@Suite struct WeighedOutputsTests {
    private func metrics(_ overrides: [String], _ prepare: (SmallJob) throws -> Void = { _ in }) throws
        -> [String: Double]
    {
        let small = try SmallJob()
        try prepare(small)
        let job = try Job.load(path: small.path("job.yaml"), overrides: overrides)
        try small.train(job)
        var found = try small.lastMetrics(job)
        for key in ["samples_per_second", "step_seconds", "wait_seconds", "seconds", "time"] {
            found[key] = nil
        }
        return found
    }

    /// The numbers that say how a training went.
    private func learnt(_ metrics: [String: Double]) -> [String: Double] {
        metrics.filter {
            $0.key.hasSuffix("loss") || $0.key.hasSuffix("accuracy") || $0.key.hasSuffix("error")
        }
    }

    @Test func classWeightsAreSampleWeightsOfTheTraining() throws {
        let byClass = try metrics(["outputs.kind.class_weight={0: 2, 2: 0.5}"])
        let bySample = try metrics([]) { small in
            var data = SmallData(samples: 90, stream: 0)
            data.weights = data.kind.map { $0 == 0 ? 2 : $0 == 2 ? 0.5 : 1 }
            try data.write(to: small.path("train.npz"))
        }
        #expect(learnt(byClass).count >= 8)
        #expect(learnt(byClass) == learnt(bySample))
        #expect(learnt(byClass) != learnt(try metrics([])))
    }

    @Test func balancedWeightsAreCountedInTheTrainingData() throws {
        let kinds = SmallData(samples: 90, stream: 0).kind
        let counts = (0..<3).map { index in kinds.count { $0 == Int32(index) } }
        #expect(Set(counts).count > 1)
        let mapping = counts.enumerated().map { "\($0): \(90.0 / (3 * Double($1)))" }.joined(separator: ", ")
        let balanced = try metrics(["outputs.kind.class_weight=balanced"])
        #expect(learnt(balanced) == learnt(try metrics(["outputs.kind.class_weight={\(mapping)}"])))
        #expect(learnt(balanced) != learnt(try metrics([])))
    }

    @Test(
        arguments: [
            (
                "outputs.kind.class_weight={3: 1}",
                "outputs.kind.class_weight: expected classes from 0 to 2, found 3"
            ),
            (
                "outputs.kind.class_weight={a: 1}",
                "outputs.kind.class_weight: expected class numbers from 0 on as keys, found \"a\""
            ),
            (
                "outputs.box.class_weight=balanced",
                "outputs.box.class_weight: the targets of MeanSquaredError are numbers, which have no classes"
            ),
            (
                "outputs.kind.class_weight={1: -1}",
                "outputs.kind.class_weight: expected numbers of at least 0 that 32-bit floats hold, found -1.0 for class 1"
            ),
        ]) func refusesWhatIsNoClassWeight(override: String, message: String) throws
    {
        let small = try SmallJob()
        let error = #expect(throws: (any Error).self) { try small.job(override) }
        #expect("\(error.map { "\($0)" } ?? "")".contains(message), "\(error.map { "\($0)" } ?? "")")
    }

    /// 90 samples in batches of 16 are 6 steps an epoch, two epochs.
    @Test func aLossWeightMovesAndIsLogged() throws {
        let still = try metrics([])
        let constant = try metrics([
            "outputs.box.weight={class: PiecewiseConstantDecay, boundaries: [3], values: [0.5, 0.5]}"
        ])
        for (key, value) in learnt(still) {
            // The same additions in another order.
            let difference: Double = abs((constant[key] ?? .nan) - value)
            #expect(difference <= 64 * Double.ulpOfOne * max(value, 1), "\(key)")
        }
        #expect(constant["box_loss_weight"] == 0.5)
        let moving = try metrics([
            "outputs.box.weight={class: PiecewiseConstantDecay, boundaries: [7], values: [0.5, 0]}"
        ])
        // Steps 6 and 7 of the second epoch's 6 have the first weight: 32 of 90 samples.
        let expected: Double = 16.0 / 90
        let logged = moving["box_loss_weight"] ?? .nan
        #expect(abs(logged - expected) <= 8 * Double.ulpOfOne)
        #expect(learnt(moving) != learnt(still))
    }

    @Test func theFinishedModelHasTheAverages() throws {
        func run(_ overrides: String...) throws -> (model: [Float], average: [Float]?) {
            let small = try SmallJob()
            let job = try Job.load(
                path: small.path("job.yaml"), overrides: overrides + ["checkpoints.keep=1"])
            try small.train(job)
            let folder = job.runDirectory + "/checkpoints"
            let newest = try FileManager.default.contentsOfDirectory(atPath: folder).sorted().last ?? ""
            let slots = try SafetensorsFile("\(folder)/\(newest)/optimizer.safetensors")
            let model = try SafetensorsFile(job.runDirectory + "/model.safetensors")
            let name = "average/hidden/kernel"
            return (
                try model.tensor(named: "hidden/kernel").values,
                slots.names.contains(name) ? try slots.tensor(named: name).values : nil
            )
        }
        let plain = try run()
        #expect(plain.average == nil)
        let averaged = try run("optimizer.use_ema=true", "optimizer.ema_momentum=0.5")
        #expect(averaged.average == averaged.model && averaged.model != plain.model)
        // Averages of nothing but the last weights.
        let last = try run("optimizer.use_ema=true", "optimizer.ema_momentum=0")
        #expect(last.model == plain.model)
    }
}
