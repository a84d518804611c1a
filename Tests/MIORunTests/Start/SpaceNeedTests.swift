import Foundation
import MIOBase
import MIOFiles
import MIOJob
import MIORun
import SmallJobs
import Testing

@Suite struct SpaceNeedTests {
    private func sizes(_ folder: String) throws -> Int {
        try FileManager.default.subpathsOfDirectory(atPath: folder).reduce(0) {
            let attributes = try FileManager.default.attributesOfItem(atPath: folder + "/" + $1)
            return $0
                + (attributes[.type] as? FileAttributeType == .typeRegular
                    ? attributes[.size] as? Int ?? 0 : 0)
        }
    }

    /// What a run has written is what was foreseen, up to headers.
    @Test(arguments: [
        [], ["optimizer=sgd"],
        ["callbacks=[{class: EarlyStopping, patience: 9, restore_best_weights: true}]"],
        ["freeze=[hidden]"], ["model.layers[0].units=3000"],
    ]) func theEstimateHolds(overrides: [String]) throws {
        let small = try SmallJob()
        let job = try Job.load(path: small.path("job.yaml"), overrides: overrides)
        let need = SpaceNeed(job, stepsPerEpoch: 6)
        try small.train(job)
        let run = job.runDirectory
        let checkpoint = try sizes(run + "/checkpoints/step-000000012")
        #expect(checkpoint <= need.checkpoint && need.checkpoint < checkpoint + (32 << 10), "\(overrides)")
        let model = try ["model.safetensors", "model.keras"].reduce(0) {
            try $0 + (FileManager.default.attributesOfItem(atPath: run + "/" + $1)[.size] as? Int ?? 0)
        }
        #expect(model <= need.model && need.model < model + (128 << 10), "\(overrides)")
    }

    @Test(arguments: [
        (["training.epochs=100"], 3), (["training.epochs=2"], 2), (["training.epochs=1"], 1),
        (["training.epochs=100", "checkpoints.keep=1000"], 100),
        (["training.epochs=100", "checkpoints={every_steps: 2, keep: 1000}"], 400),
        (["training.epochs=100", "checkpoints={every: 10s, keep: 1000}"], 1000),
        (["training.epochs=100", "checkpoints.keep={last: 2, best: 4, every_steps: 100}"], 12),
    ]) func whatStaysIsCounted(overrides: [String], kept: Int) throws {
        let small = try SmallJob()
        let job = try Job.load(path: small.path("job.yaml"), overrides: overrides)
        #expect(SpaceNeed(job, stepsPerEpoch: 6).kept == kept)
    }

    @Test func whatIsThereCounts() throws {
        let small = try SmallJob()
        let need = SpaceNeed(try small.job("training.epochs=9"), stepsPerEpoch: 6)
        #expect(need.least(beside: 0) == need.checkpoint + need.model)
        // The oldest goes when the new one is whole, and then the model is written.
        #expect(need.least(beside: 3) == max(need.checkpoint, need.model))
        #expect(need.most(beside: 0) == 4 * need.checkpoint + need.model)
        #expect(need.most(beside: 2) == 2 * need.checkpoint + need.model)
        #expect(need.most(beside: 9) == need.checkpoint + need.model)
    }
}
