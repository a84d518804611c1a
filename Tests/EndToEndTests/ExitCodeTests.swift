import Foundation
import ProcessSupport
import Testing

extension EndToEndTests {
    /// The contract's exit codes: the launcher's, every rank's own, and one message.
    @Suite struct ExitCodeTests {
        /// - Parameter prepare: makes the job fail; returns further arguments.
        private func expect(
            _ status: Int32, _ message: String?, _ arguments: [String] = [],
            prepare: (TrainingFolder) throws -> Void = { _ in },
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            for launch in [WorkerRun.Launch.mpirun, .notingStatuses] {
                let folder = try TrainingFolder()
                let job = try SampleJob.twoHeads.prepare(in: folder, shards: [7, 12])
                try prepare(folder)
                let outcome = try WorkerRun.outcome(job, ranks: 3, arguments, launch: launch)
                let text = message.map { $0.replacing("FOLDER", with: folder.path) }
                #expect(
                    outcome.errors.first?.hasPrefix(text ?? "") ?? (text == nil), "\(outcome.errors)",
                    sourceLocation: sourceLocation)
                #expect(
                    outcome.messages.count == (text == nil ? 0 : 1), "\(outcome.errors)",
                    sourceLocation: sourceLocation)
                switch launch {
                case .mpirun: #expect(outcome.status == status, sourceLocation: sourceLocation)
                default:
                    #expect(
                        outcome.rankStatuses == [status, status, status], sourceLocation: sourceLocation)
                }
            }
        }

        @Test func finished() throws { try expect(0, nil) }

        @Test func usage() throws {
            try expect(
                64, "mio: Error: Unknown option '--resum'. Did you mean '--resume'?", ["--resum", "no"])
            try expect(
                64,
                "mio: --set seed: expected KEY=VALUE, the key a dotted path such as training.epochs or "
                    + "model.layers[2].units", ["--set", "seed"])
        }

        @Test func badInput() throws {
            try expect(
                65, "mio: --set training.batch_size=0: training.batch_size: expected",
                ["--set", "training.batch_size=0"])
        }

        @Test func missingInput() throws {
            try expect(
                66, "mio: nothing-*.npz: no file in FOLDER matches this glob",
                ["--set", "data.train.files=nothing-*.npz"])
        }

        @Test func inputOutput() throws {
            try expect(74, "mio: cannot create the folder FOLDER/run: ") {
                // A file in the way: what root's rights do not overcome either.
                try $0.write("", to: "run")
            }
        }

        @Test func diverged() throws {
            try expect(
                76, "mio: step 2: the loss of output \"",
                [
                    "--set", "optimizer={class: SGD, learning_rate: 1.0e+38}", "--set",
                    "model.layers[4].activation=linear",
                ])
        }

        @Test func stopped() throws {
            for launch in [WorkerRun.Launch.mpirun, .notingStatuses] {
                let folder = try TrainingFolder()
                let job = try SampleJob.twoHeads.prepare(in: folder, shards: [7, 12])
                let run = try WorkerRun(
                    job, ranks: 3, ["--set", "training.epochs=1000000"], launch: launch)
                try waitUntil("a step") { try folder.records().steps().count > 0 }
                run.signal(SIGTERM, rank: 1)
                let outcome = try run.wait()
                #expect(outcome.errors.count == 1)
                #expect(outcome.errors.first?.hasPrefix("stopped after step ") == true)
                switch launch {
                case .mpirun: #expect(outcome.status == 75)
                default: #expect(outcome.rankStatuses == [75, 75, 75])
                }
            }
        }

        @Test func helpAndVersionAreNoErrors() throws {
            let help = try WorkerRun.outcome("--help", ranks: 2)
            #expect(help.status == 0)
            #expect(help.output.components(separatedBy: "OVERVIEW:").count == 2)
            #expect(try WorkerRun.outcome("--version", ranks: 1, launch: .alone).status == 0)
        }

        /// A rank that dies of a signal takes the others with it.
        @Test func aRankThatIsKilledEndsAll() throws {
            let folder = try TrainingFolder()
            let job = try SampleJob.twoHeads.prepare(in: folder, shards: [7, 12])
            let run = try WorkerRun(job, ranks: 3, ["--set", "training.epochs=1000000"])
            try waitUntil("a step") { try folder.records().steps().count > 0 }
            run.signal(SIGKILL, rank: 2)
            #expect(try run.wait().status == 128 + SIGKILL)
            try run.waitUntilGone()
        }
    }
}
