import Foundation
import ProcessSupport
import SmallJobs
import Testing

/// The programs on files and jobs that no friend made: an error that says what is wrong, at once, and never a signal.
@Suite(.serialized) struct HostileInputTests {
    private func run(
        _ program: String, _ arguments: [String], in small: SmallJob, addressKilobytes: Int? = nil
    ) throws -> SpawnedProcess.Outcome {
        let limit = addressKilobytes.map { ["sh", "-c", "ulimit -v \($0) && exec \"$@\"", "sh"] } ?? []
        return try SpawnedProcess(
            ["env", "-C", small.folder.path, "MIO_CACHE=" + small.path("cache")] + limit
                + [try BuiltProgram.path(program)] + arguments
        ).wait(atMost: 60)
    }

    /// Replaces a file by a FIFO that nobody writes to.
    private func makeFIFO(_ name: String, in small: SmallJob) throws {
        _ = try? FileManager.default.removeItem(atPath: small.path(name))
        try #require(mkfifo(small.path(name), 0o600) == 0)
    }

    @Test(arguments: ["mio", "mio-worker"]) func aFIFOIsNoJob(program: String) throws {
        let small = try SmallJob()
        try makeFIFO("job.yaml", in: small)
        let arguments = program == "mio" ? ["check", "job.yaml"] : ["job.yaml"]
        let outcome = try run(program, arguments, in: small)
        #expect(outcome.status == 65)
        #expect(
            outcome.errors
                == "mio: job.yaml: cannot be read as a job file: not a plain file but a FIFO (named pipe)\n")
    }

    @Test(arguments: ["m.keras", "m.h5"]) func aFIFOIsNoModel(name: String) throws {
        let small = try SmallJob()
        try makeFIFO(name, in: small)
        let setting = ["--set", "model=\(name)"]
        for (program, arguments) in [("mio", ["check"] + setting), ("mio-worker", setting)] {
            let outcome = try run(program, arguments, in: small)
            #expect(outcome.status == 65, "\(program)")
            #expect(
                (outcome.errors + outcome.output).contains("\(name): not a plain file but a FIFO"),
                "\(program): \(outcome.errors)")
        }
    }

    @Test(arguments: ["train.npz", "train.csv"]) func aFIFOIsNoShard(name: String) throws {
        let small = try SmallJob()
        try makeFIFO(name, in: small)
        let setting = ["--set", "data.train.files=\(name)"]
        let check = try run("mio", ["check"] + setting, in: small)
        #expect(check.status == 65)
        #expect(check.output.contains("\(name): not a plain file but a FIFO"), "\(check.output)")
        let worker = try run("mio-worker", setting, in: small)
        #expect(worker.status == 65)
        #expect(worker.errors.contains("\(name): not a plain file but a FIFO"), "\(worker.errors)")
    }

    @Test func aFIFOIsNoWeightsNoMetricsAndNoOutput() throws {
        let small = try SmallJob()
        let trained = try run("mio-worker", [], in: small)
        #expect(trained.status == 0, "\(trained.errors)")
        try makeFIFO("w.safetensors", in: small)
        let predict = try run(
            "mio", ["predict", "--data", "test.npz", "--weights", "w.safetensors", "--output", "o.npz"],
            in: small)
        #expect(predict.status == 65, "\(predict.errors)")
        #expect(predict.errors.contains("not a plain file but a FIFO"))
        try makeFIFO("o.npz", in: small)
        let output = try run("mio", ["predict", "--data", "test.npz", "--output", "o.npz"], in: small)
        #expect(output.status == 74, "\(output.errors)")
        #expect(output.errors.contains("o.npz: not a plain file but a FIFO"))
        try makeFIFO("runs/small/metrics.jsonl", in: small)
        let resumed = try run("mio-worker", ["--set", "training.epochs=3"], in: small)
        #expect(resumed.status == 65, "\(resumed.errors)")
        #expect(resumed.errors.contains("metrics.jsonl: not a plain file but a FIFO"), "\(resumed.errors)")
    }

    /// The job that a run has kept is compared with the one that continues it.
    @Test func aFIFOIsNoRecordOfARun() throws {
        let small = try SmallJob()
        #expect(try run("mio-worker", [], in: small).status == 0)
        try makeFIFO("runs/small/job.yaml", in: small)
        let check = try run("mio", ["check", "--set", "training.epochs=3"], in: small)
        #expect(check.output.contains("job.yaml: cannot be compared with this job"), "\(check.output)")
        #expect(check.output.contains("not a plain file but a FIFO"), "\(check.output)")
        let resumed = try run("mio-worker", ["--set", "training.epochs=3"], in: small)
        #expect(resumed.status == 74, "\(resumed.errors)")
        #expect(resumed.errors.contains("job.yaml: not a plain file but a FIFO"), "\(resumed.errors)")
    }

    /// A damaged line is set aside, told once, and the run goes on.
    @Test func aDamagedLineOfMetricsIsTold() throws {
        let small = try SmallJob()
        #expect(try run("mio-worker", [], in: small).status == 0)
        let metrics = small.path("runs/small/metrics.jsonl")
        var bytes = try [UInt8](Data(contentsOf: URL(filePath: metrics)))
        let newline = try #require(bytes.firstIndex(of: 0x0A))
        for index in 8..<12 { bytes[index] = 0x7B }
        try Data(bytes).write(to: URL(filePath: metrics))
        let resumed = try run("mio-worker", ["--set", "training.epochs=3"], in: small)
        #expect(resumed.status == 0, "\(resumed.errors)")
        #expect(
            resumed.errors.contains(
                "warning: \(metrics): line 1 is damaged: it was moved to \(metrics).damaged\n"),
            "\(resumed.errors)")
        for line in try [UInt8](Data(contentsOf: URL(filePath: metrics))).split(separator: 0x0A) {
            #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(line)) }
        }
        #expect(try Data(contentsOf: URL(filePath: metrics + ".damaged")).count == newline + 1)
    }

    @Test func namesReachTheTerminalEscapedAndCut() throws {
        let small = try SmallJob()
        let text = String(decoding: try small.folder.bytes(of: "job.yaml"), as: UTF8.self)
        let red = text.replacingOccurrences(of: "kind", with: "\"k\\e[31m\\u202E\"")
            .replacingOccurrences(of: "outputs: [", with: "outputs: [none, ")
        _ = try small.folder.write(Array(red.utf8), to: "red.yaml")
        let error = try run("mio", ["check", "red.yaml"], in: small)
        #expect(error.status == 65)
        #expect(!error.errors.utf8.contains(0x1B) && !error.errors.contains("\u{202E}"))
        #expect(error.errors.contains("k\\u{1B}[31m\\u{202E}"), "\(error.errors)")

        let fine = text.replacingOccurrences(of: "kind", with: "\"k\\e[31m\"")
        _ = try small.folder.write(Array(fine.utf8), to: "fine.yaml")
        for command in ["check", "summary"] {
            let outcome = try run("mio", [command, "fine.yaml"], in: small)
            #expect(!(outcome.output + outcome.errors).utf8.contains(0x1B))
            #expect(outcome.output.contains("k\\u{1B}[31m"), "\(outcome.output)")
        }
        let long = text.replacingOccurrences(
            of: "inputs: hidden", with: "inputs: " + String(repeating: "n", count: 3000))
        _ = try small.folder.write(Array(long.utf8), to: "long.yaml")
        let cut = try run("mio", ["check", "long.yaml"], in: small)
        #expect(cut.status == 65)
        #expect(cut.errors.contains("nnn…nnn") && cut.errors.contains("(3000 characters)"), "\(cut.errors)")
        #expect(cut.errors.utf8.count < 600)
    }

    private static let conv = """
        model.layers=[{name: image, class: Reshape, inputs: input, target_shape: [2, 3, 1]}, \
        {name: conv, class: Conv2D, inputs: image, filters: 1, kernel_size: SIZE, padding: same}, \
        {name: flat, class: Flatten, inputs: conv}, \
        {name: kind, class: Dense, inputs: flat, units: 3, activation: softmax}, \
        {name: box, class: Dense, inputs: flat, units: 2}]
        """

    @Test(arguments: [
        ("model.layers[1].units=1000000000", "kind"), ("model.layers[0].units=2000000000", "hidden"),
        (conv.replacingOccurrences(of: "SIZE", with: "100000"), "conv"),
    ]) func sizesBeyondTheMemoryAreRefusedByLayer(setting: String, layer: String) throws {
        let small = try SmallJob()
        for limit in [4_000_000, nil] {
            // Without a limit of its own the machine's memory decides.
            if limit == nil, ProcessInfo.processInfo.physicalMemory > 64 << 30 { continue }
            let check = try run("mio", ["check", "--set", setting], in: small, addressKilobytes: limit)
            let worker = try run("mio-worker", ["--set", setting], in: small, addressKilobytes: limit)
            #expect(check.status == 74, "\(check.output) \(check.errors)")
            #expect(worker.status == 74, "\(worker.errors)")
            #expect(check.output.contains("most of it by layer \"\(layer)\""), "\(check.output)")
            #expect(worker.errors.contains("most of it by layer \"\(layer)\""), "\(worker.errors)")
        }
    }

    /// Windows far larger than the image, under less and less memory: it works, or is refused with 74.
    @Test func noLimitOfMemoryEndsAProgramByASignal() throws {
        let small = try SmallJob()
        for limit in [200_000, 300_000, 700_000, 2_000_000] {
            let wide = Self.conv.replacingOccurrences(of: "SIZE", with: "2000")
            for (name, setting) in [("usual", "seed=1"), ("wide", wide)] {
                let settings = ["--set", setting, "--set", "run_directory=\(name)-\(limit)"]
                let check = try run("mio", ["check"] + settings, in: small, addressKilobytes: limit)
                let worker = try run("mio-worker", settings, in: small, addressKilobytes: limit)
                for program in [check, worker] {
                    // 127: the system's loader cannot even map the libraries, before any code of ours.
                    let isUnmapped =
                        program.status == 127
                        && program.errors.contains(": error while loading shared libraries: ")
                    #expect([0, 74].contains(program.status) || isUnmapped, "\(limit): \(program.errors)")
                }
            }
        }
    }

    @Test func benchmarksAskForNoMoreThanThereIs() throws {
        let small = try SmallJob()
        for arguments in [
            ["run", "--model", "two-heads", "--batch-size", "2000000000"],
            ["run", "--model", "image-metadata", "--image-side", "1000000"],
            ["shards", "--model", "two-heads", "--output", "x", "--rows", "1000000000000"],
            ["allreduce", "--megabytes", "100000000"],
        ] {
            let outcome = try run("mio-bench", arguments, in: small)
            #expect(
                [64, 65, 74].contains(outcome.status), "\(arguments): \(outcome.status) \(outcome.errors)")
        }
    }

    /// What was typed reaches the terminal escaped, from every program.
    @Test func argumentsAreEscaped() throws {
        let small = try SmallJob()
        let name = "a\u{1B}[2J\u{202E}b"
        for (program, arguments, code) in [
            ("mio-bench", ["shards", "--model", "two-heads", "--output", "job.yaml/" + name], 74),
            ("mio-bench", ["shards", "--model", name, "--output", "x"], 64),
            ("mio-bench", ["limits", name], 64), ("mio-bench", ["limits", "--" + name], 64),
            ("mio-bench", ["run", "--model", "two-heads", "--steps", name], 64),
            ("mio", ["check", "--" + name], 64), ("mio", [name], 64),
            ("mio", ["check", "job.yaml", name], 64),
            ("mio-worker", ["--" + name], 64),
        ] {
            let outcome = try run(program, arguments, in: small)
            #expect(outcome.status == code, "\(arguments): \(outcome.status) \(outcome.errors)")
            let text = outcome.output + outcome.errors
            #expect(text.contains("\\u{1B}[2J\\u{202E}b"), "\(arguments): \(text.debugDescription)")
            #expect(!text.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\u{202E}" }, "\(arguments)")
        }
    }

    @Test func aDeviceAsDataIsRefused() throws {
        let small = try SmallJob()
        for path in ["/dev/zero", "/dev/stdin", "/dev/full"] {
            try FileManager.default.createSymbolicLink(
                atPath: small.path("link.npz"), withDestinationPath: path)
            let outcome = try run("mio", ["check", "--set", "data.train.files=link.npz"], in: small)
            #expect(outcome.status == 65, "\(path): \(outcome.output)")
            try FileManager.default.removeItem(atPath: small.path("link.npz"))
        }
    }

    /// What is named must be there, and what cannot be read is not called missing or gone.
    @Test func foldersOfRunsAreToldAsTheyAre() throws {
        let small = try SmallJob()
        for name in ["nowhere", "job.yaml"] {
            let outcome = try run("mio", ["runs", name], in: small)
            #expect(outcome.status == 66, "\(outcome.output)")
            #expect(
                outcome.errors.hasSuffix(
                    "/\(name): no such folder; expected one with runs in it or below it\n"),
                "\(outcome.errors)")
        }
        #expect(try run("mio", ["runs", "."], in: small).status == 0)
        let trained = try run("mio", ["train"], in: small)
        #expect(trained.status == 0, "\(trained.errors)")
        try makeFIFO("runs/small/record.json", in: small)
        let retry = try run("mio", ["retry", "runs/small"], in: small)
        #expect(retry.status == 66)
        #expect(retry.errors.contains("record.json: not a plain file but a FIFO"), "\(retry.errors)")
        try makeFIFO("runs/small/status.json", in: small)
        let wait = try run("mio", ["wait", "runs/small", "--timeout", "20"], in: small)
        #expect(wait.status == 1)
        #expect(wait.errors.contains("status.json: not a plain file but a FIFO"), "\(wait.errors)")
    }
}
