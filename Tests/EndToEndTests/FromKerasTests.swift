import Foundation
import MIOFormats
import ProcessSupport
import Testing

extension EndToEndTests {
    /// `examples/from-keras` as its README has it.
    @Suite struct FromKerasTests {
        private static let example = BuiltProgram.repository + "/examples/from-keras"

        private func copy(_ names: [String], to folder: TrainingFolder) throws {
            for name in names {
                try FileManager.default.copyItem(
                    atPath: "\(Self.example)/\(name)", toPath: folder.path(name))
            }
        }

        private func run(_ command: [String], atMost seconds: Double = 300) throws -> SpawnedProcess.Outcome {
            try SpawnedProcess(
                command, environment: MPIEnvironment.variables.merging(["TF_CPP_MIN_LOG_LEVEL": "3"]) { $1 }
            ).wait(atMost: seconds)
        }

        /// A Python that has Keras: `MIO_KERAS_PYTHON`, that of `scripts/parity`, or the one in `PATH`.
        private func pythonWithKeras() throws -> String? {
            let named = ProcessInfo.processInfo.environment["MIO_KERAS_PYTHON"]
            for python in [named, BuiltProgram.repository + "/.venv/parity/bin/python", "python3"].compactMap(
                \.self)
            {
                guard let found = try? run([python, "-c", "import keras; assert keras.__version__ >= '3'"])
                else { continue }
                if found.status == 0 { return python }
            }
            // A name that was given must be right.
            #expect(named == nil, "MIO_KERAS_PYTHON=\(named ?? ""): has no Keras 3")
            return nil
        }

        /// The committed model and data through mio; and where Python has Keras, the scripts before and after it.
        @Test func theExampleRunsAsItsReadmeSays() throws {
            let folder = try TrainingFolder()
            try copy(["job.yaml", "model.keras", "train.npz", "validation.npz"], to: folder)
            let mio = try BuiltProgram.path("mio")
            for arguments in [
                ["check", folder.path("job.yaml")], ["train", "-n", "2", folder.path("job.yaml")],
                [
                    "predict", folder.path("job.yaml"), "--data", folder.path("validation.npz"), "--output",
                    folder.path("predictions.npz"),
                ],
            ] {
                let outcome = try run([mio] + arguments)
                #expect(outcome.status == 0, "mio \(arguments): \(outcome.output)\(outcome.errors)")
            }
            let records = folder.records("runs/from-keras")
            let epochs = try records.events().filter { $0.event == "epoch" }
            #expect(epochs.contains { $0.values["val_department_accuracy"] ?? 0 > 0.9 })
            #expect(epochs.contains { $0.values["val_priority_accuracy"] ?? 0 > 0.8 })
            #expect(FileManager.default.fileExists(atPath: folder.path("runs/from-keras/best.keras")))

            guard let python = try pythonWithKeras() else {
                print("no Python with Keras 3: mio's part of examples/from-keras ran, its scripts did not")
                return
            }
            let loaded = try run([python, Self.example + "/go_on_in_keras.py", folder.path])
            #expect(loaded.status == 0, "\(loaded.output)\(loaded.errors)")
            #expect(loaded.output.contains("Keras predicts as mio does"))
            #expect(loaded.output.contains("Keras goes on after step"))
            // What the script saves is what is committed.
            let again = try TrainingFolder()
            try copy(["job.yaml"], to: again)
            let saved = try run([python, Self.example + "/save_model.py", again.path])
            #expect(saved.status == 0, "\(saved.output)\(saved.errors)")
            let summaries = try [folder, again].map { folder in
                let outcome = try run([mio, "summary", folder.path("model.keras")])
                #expect(outcome.status == 0, "\(outcome.errors)")
                // It names the file.
                return outcome.output.replacing(folder.path, with: "")
            }
            #expect(summaries[0] == summaries[1])
            let checked = try run([mio, "check", again.path("job.yaml")])
            #expect(checked.status == 0, "\(checked.output)\(checked.errors)")
            print("\(python): the scripts of examples/from-keras ran too")
        }
    }
}
