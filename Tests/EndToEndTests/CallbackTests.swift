import Foundation
import MIOFormats
import Testing

extension EndToEndTests {
    /// Callbacks of real runs: the same at any number of ranks, and after a kill.
    @Suite struct CallbackTests {
        private static let callbacks = """
            callbacks=[
            {class: EarlyStopping, monitor: val_kind_loss, patience: 2, restore_best_weights: true},
            {class: ReduceLROnPlateau, monitor: val_box_loss, mode: min, min_delta: 1, patience: 1, factor: 0.5},
            {class: ModelCheckpoint, monitor: val_kind_accuracy},
            {class: CSVLogger, filename: logs/epochs.csv}]
            """.replacing("\n", with: "")

        /// Learns so fast that the validation gets worse.
        private func run(
            _ job: String, _ name: String, ranks: Int, epochs: Int = 12, _ settings: [String] = []
        ) throws -> WorkerRun.Outcome {
            try WorkerRun.outcome(
                job, ranks: ranks,
                ([
                    Self.callbacks, "run_directory=\(name)", "training.epochs=\(epochs)",
                    "optimizer={class: SGD, learning_rate: 0.3, momentum: 0.9}",
                    "training.reproducible=strict",
                ] + settings).flatMap { ["--set", $0] })
        }

        private func epochs(_ folder: TrainingFolder, _ name: String) throws -> [String] {
            try String(contentsOfFile: folder.path("\(name)/logs/epochs.csv"), encoding: .utf8)
                .split(separator: "\n").map(String.init)
        }

        @Test func decisionsAreTheSameOnAnyRanks() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            for ranks in [1, 2, 4] {
                let outcome = try run(job, "on-\(ranks)", ranks: ranks)
                #expect(outcome.status == 0, "\(outcome.errors)")
                #expect(
                    outcome.errors.contains { $0.hasPrefix("EarlyStopping: val_kind_loss has not improved") },
                    "\(outcome.errors)")
                try expectSameWeights(
                    folder.records("on-\(ranks)"), folder.records("on-1"), nil, "\(ranks) ranks")
                #expect(try epochs(folder, "on-\(ranks)") == epochs(folder, "on-1"))
                #expect(
                    try folder.read("on-\(ranks)/best.safetensors").count
                        == folder.read("on-1/model.safetensors").count)
            }
            let lines = try epochs(folder, "on-1")
            #expect(lines.count < 13, "it ended early")
            #expect(lines[0].hasPrefix("epoch,box_loss,box_mean_absolute_error,"))
            #expect(lines[1].hasPrefix("0,") && lines[2].hasPrefix("1,"))
            // The finished model has the weights of the best epoch, not of the last.
            let best = try #require(
                lines.dropFirst().enumerated().min { value($0.element, lines) < value($1.element, lines) })
            let short = try run(
                job, "short", ranks: 1, epochs: best.offset + 1)
            #expect(short.status == 0, "\(short.errors)")
            try expectSameWeights(
                folder.records("on-1"), folder.records("short"), nil, "epoch \(best.offset + 1)")
        }

        /// `val_kind_loss` of a line.
        private func value(_ line: String, _ lines: [String]) -> Double {
            let column = lines[0].split(separator: ",").firstIndex(of: "val_kind_loss") ?? 0
            return Double(line.split(separator: ",")[column]) ?? .nan
        }

        /// Stopped after any epoch, and continued on other ranks: the undisturbed end, though the best epoch is behind.
        @Test(arguments: [2, 4]) func aContinuedRunDecidesAsTheUndisturbedOne(stop: Int) throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            #expect(try run(job, "whole", ranks: 2).status == 0)
            #expect(try run(job, "parts", ranks: 1, epochs: stop).status == 0)
            let rest = try run(job, "parts", ranks: 4)
            #expect(rest.status == 0, "\(rest.errors)")
            try expectSameWeights(folder.records("parts"), folder.records("whole"), nil, "stopped at \(stop)")
            #expect(try epochs(folder, "parts") == epochs(folder, "whole"))
            #expect(
                try folder.read("parts/best.safetensors") == folder.read("whole/best.safetensors"))
            // An ended training is not gone on with.
            let again = try run(job, "parts", ranks: 1)
            #expect(
                again.errors.contains { $0.contains("the training was ended by a callback after") },
                "\(again.errors)")
            try expectSameWeights(folder.records("parts"), folder.records("whole"), nil, "again")
        }

        @Test func whatNoEpochLogsIsRefused() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [17, 12])
            for (callback, expected) in [
                ("{class: EarlyStopping, monitor: val_kind_acuracy}", "did you mean \"val_kind_accuracy\"?"),
                ("{class: ModelCheckpoint, filepath: \"{vall_loss}.safetensors\"}", "callbacks[0].filepath"),
            ] {
                let outcome = try WorkerRun.outcome(job, ranks: 2, ["--set", "callbacks=[\(callback)]"])
                #expect(outcome.status == 65)
                #expect(
                    outcome.errors.count == 1 && outcome.errors[0].contains(expected), "\(outcome.errors)")
            }
            let schedule = try WorkerRun.outcome(
                job, ranks: 1,
                [
                    "--set", "callbacks=[ReduceLROnPlateau]", "--set",
                    "optimizer={class: SGD, learning_rate: {class: CosineDecay, initial_learning_rate: 0.1, decay_steps: 9}}",
                ])
            #expect(schedule.status == 65)
            #expect(
                schedule.errors.contains {
                    $0.contains("sets the learning rate, and optimizer.learning_rate")
                })
        }
    }
}
