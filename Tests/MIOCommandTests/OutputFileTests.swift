import Foundation
import MIOBatches
import MIOData
import ProcessSupport
import SmallJobs
import Testing

/// What commands write, and what they must not write over.
@Suite(.serialized) struct OutputFileTests {
    /// What an option of a command writes replaces nothing that the job reads or its run has.
    @Test func noOutputReplacesWhatIsRead() throws {
        let small = try SmallJob()
        #expect(try mio("train", in: small).status == 0)
        try FileManager.default.copyItem(
            atPath: small.path("runs/small/model.keras"), toPath: small.path("model.keras"))
        try FileManager.default.copyItem(
            atPath: small.path("runs/small/model.keras"), toPath: small.path("start.keras"))
        try FileManager.default.copyItem(
            atPath: small.path("job.yaml"), toPath: small.path("job.json"))
        let outside = ["--set", "name=other", "--set", "weights=start.keras"]
        let cases: [(arguments: [String], words: String)] = [
            (["export", "--output", "job.yaml"], "must end in .keras"),
            (["export", "--output", "runs/small/model.safetensors"], "must end in .keras"),
            (
                ["export", "--weights", "start", "--output", "start.keras"] + outside,
                "start.keras is a file that weights start from"
            ),
            (
                ["export", "--weights", "model.keras", "--output", "./model.keras"],
                "--output ./model.keras is the file of --weights"
            ),
            (["train", "--trace", "job.yaml"], "--trace job.yaml: the name must end in .json"),
            (["train", "job.json", "--trace", "job.json"], "--trace job.json is the job file"),
            (
                ["train", "--trace", "runs/small/status.json"],
                "--trace runs/small/status.json is the run's own"
            ),
            (["scale", "--measure", "job.yaml"], "--measure job.yaml is the job file"),
            (["scale", "--measure", "train.npz"], "--measure train.npz is a file of data.train"),
            (
                ["predict", "--data", "test", "--output", "validation.npz"],
                "--output validation.npz is a file of data.validation"
            ),
        ]
        func contents() throws -> [Data] {
            try [
                "job.yaml", "job.json", "model.keras", "start.keras", "train.npz", "validation.npz",
                "runs/small/status.json", "runs/small/model.safetensors",
            ].map { try Data(contentsOf: URL(filePath: small.path($0))) }
        }
        let before = try contents()
        for (arguments, words) in cases {
            let run = try mio(arguments, in: small)
            #expect(run.status == 64, "\(arguments): \(run.errors)")
            #expect(run.errors.contains(words), "\(arguments): \(run.errors)")
        }
        #expect(try contents() == before)
        let worker = try SpawnedProcess([
            "env", "-C", small.folder.path, BuiltProgram.path("mio-worker"), "--trace", "train.npz",
        ]).wait(atMost: 60)
        #expect(worker.status == 64, "\(worker.errors)")
        #expect(worker.errors.contains("--trace train.npz: the name must end in .json"), "\(worker.errors)")
    }

    /// The run's own Keras file may be made anew, and weights alone by their name.
    @Test func exportsInTheFormatOfTheName() throws {
        let small = try SmallJob()
        #expect(try mio("train", in: small).status == 0)
        let own = try mio("export", "--output", "runs/small/model.keras", in: small)
        #expect(own.status == 0, "\(own.errors)")
        let weights = try mio("export", "--output", "w.weights.h5", in: small)
        #expect(weights.status == 0, "\(weights.errors)")
        let bytes = try Data(contentsOf: URL(filePath: small.path("w.weights.h5")))
        #expect(bytes.starts(with: Array("\u{89}HDF".unicodeScalars.map { UInt8($0.value) })))
        let evaluation = try mio("evaluate", "--weights", "w.weights.h5", in: small)
        #expect(evaluation.status == 0, "\(evaluation.errors)")
        // With the system's reason.
        let nowhere = try mio("export", "--output", "nowhere/m.keras", in: small)
        #expect(nowhere.status != 0)
        #expect(
            nowhere.errors.contains("cannot write nowhere/m.keras: No such file or directory"),
            "\(nowhere.errors)")
    }

    /// Callbacks of a run that a daemon starts write into its folder alone; a relative path of any run stays in it.
    @Test func callbacksStayInTheFolder() throws {
        let small = try SmallJob()
        func train(_ file: String, _ environment: [String: String] = [:]) throws -> SpawnedProcess.Outcome {
            try SpawnedProcess(
                [
                    "env", "-C", small.folder.path, BuiltProgram.path("mio"), "train", "--set",
                    "callbacks=[{class: CSVLogger, filename: \(file)}]", "--set", "training.epochs=1",
                    "--set",
                    "name=new", "--resume", "never",
                ], environment: environment
            ).wait(atMost: 120)
        }
        let relative = try train("../../x.csv")
        #expect(relative.status == 65)
        #expect(
            relative.errors.hasPrefix(
                "mio: callbacks[0].filename: ../../x.csv leads out of the run's folder; write an absolute path"
            ),
            "\(relative.errors)")
        let confined = try train(small.path("x.csv"), ["MIO_CONFINED": "1"])
        #expect(confined.status == 65)
        #expect(
            confined.errors.contains("x.csv leads out of the run's folder, where callbacks of a run that"),
            "\(confined.errors)")
        #expect(!FileManager.default.fileExists(atPath: small.path("x.csv")))
        #expect(try train("own.csv", ["MIO_CONFINED": "1"]).status == 0)
        let owner = try train(small.path("x.csv"))
        #expect(owner.status == 0, "\(owner.errors)")
        #expect(FileManager.default.fileExists(atPath: small.path("x.csv")))
    }

    /// Numbers that 32-bit floats cannot hold are no infinities of the file.
    @Test func numbersBeyondFloatsAreShown() throws {
        let small = try SmallJob()
        func write(_ input: Double, _ box: Double) throws {
            let writer = try NpzWriter(
                path: small.path("large.npz"),
                arrays: [
                    .init("input", .float64, shape: [1, 6]), .init("kind", .int32, shape: [1]),
                    .init("box", .float64, shape: [1, 2]),
                ])
            try writer.append([0, input, 0, 0, 0, 0] as [Double], to: 0)
            try writer.append([1] as [Int32], to: 1)
            try writer.append([0.5, box] as [Double], to: 2)
            try writer.finish()
        }
        try write(1e300, 0.5)
        let data = ["--set", "data.train.files=large.npz"]
        for command in ["check", "train"] {
            let run = try mio([command] + data, in: small)
            #expect(run.status == 65)
            #expect(
                (run.output + run.errors).contains(
                    "element [1] is 1e+300, and such floats hold up to 3.4e38; correct the data"),
                "\(run.output)\(run.errors)")
        }
        try write(0, 1e39)
        for command in ["check", "train"] {
            let run = try mio([command] + data, in: small)
            #expect(run.status == 65)
            #expect(
                (run.output + run.errors).contains(
                    "element 1 is 1e+39, and 32-bit floats hold up to 3.4e38; expected a finite number"),
                "\(run.output)\(run.errors)")
        }
    }
}
