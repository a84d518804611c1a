import Foundation
import MIORecords
import ProcessSupport
import Testing

extension EndToEndTests {
    /// Runs that begin with a file of Keras.
    @Suite struct KerasRunTests {
        /// Training ends by itself, with the weights of an epoch before, after the learning rate was lowered.
        private static let callbacks = """
              - {class: EarlyStopping, min_delta: 0.05, patience: 5, restore_best_weights: true}
              - {class: ReduceLROnPlateau, min_delta: 0.05, patience: 2, factor: 0.5}
              - {class: ModelCheckpoint, filepath: best.keras, save_best_only: true}
              - {class: ModelCheckpoint, filepath: "weights/{epoch:02d}.weights.h5"}
              - {class: CSVLogger, filename: epochs.csv}
            """

        /// Killed in the middle of two epochs and continued at other rank counts: every file of the end has the undisturbed
        /// run's bits.
        @Test(arguments: ["two heads", "nested", "letters"])
        func killsChangeNothing(name: String) throws {
            let samples: [String: KerasJob] = [
                "two heads": .twoHeads, "nested": .nested, "letters": .letters,
            ]
            let folder = try TrainingFolder()
            let job = try #require(samples[name]).prepare(in: folder, callbacks: Self.callbacks)
            let undisturbed = try WorkerRun.outcome(job, ranks: 2, ["--set", "run_directory=undisturbed"])
            #expect(undisturbed.status == 0, "\(undisturbed.errors)")
            for decision in ["EarlyStopping: val_loss has not improved", "ReduceLROnPlateau: learning rate"] {
                #expect(undisturbed.errors.contains { $0.hasPrefix(decision) }, "\(undisturbed.errors)")
            }
            let expected = folder.records("undisturbed")
            let steps = try expected.steps().count

            let records = folder.records("killed")
            let arguments = ["--set", "run_directory=killed"]
            var reached = 0
            for (ranks, fraction) in [(4, 0.3), (1, 0.6)] {
                let run = try WorkerRun(job, ranks: ranks, arguments)
                let moment = Int(Double(steps) * fraction)
                try waitUntil("step \(moment)") {
                    #expect(run.isRunning, "it ended before it was killed")
                    return try !run.isRunning || records.steps().last?.step ?? 0 >= moment
                }
                // A rank takes the others with it; the launcher leaves them.
                if ranks == 4 { run.signal(SIGKILL, rank: 2) } else { run.killEverything() }
                try run.waitUntilGone()
                let step = try #require(try records.newestCheckpoint()).manifest.step
                #expect(step > reached && step < steps, "\(step) of \(steps)")
                reached = step
            }
            let end = try WorkerRun.outcome(job, ranks: 2, arguments)
            #expect(end.status == 0, "\(end.errors)")
            try expectSameEvents(records, expected, nil, name)
            let files = ["model.keras", "model.safetensors", "best.keras", "epochs.csv"]
            for file in try files
                + FileManager.default.contentsOfDirectory(atPath: folder.path("undisturbed/weights"))
                .map({ "weights/\($0)" })
            {
                #expect(
                    try folder.read("killed/\(file)") == folder.read("undisturbed/\(file)"),
                    "\(name): \(file)")
            }
        }
    }
}
