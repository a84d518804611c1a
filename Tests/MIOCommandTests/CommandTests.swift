import Foundation
import MIOBatches
import MIOData
import ProcessSupport
import SmallJobs
import Testing

/// The program `mio` as people run it, with a real `mpirun` and real workers. One after the other: each starts
/// several processes.
@Suite(.serialized) struct CommandTests {
    /// From a job file to predictions, as the help text has it.
    @Test func theUsualOrder() throws {
        let small = try SmallJob()
        let check = try mio("check", "-n", "2", in: small)
        #expect(check.status == 0, "\(check.errors)")
        #expect(check.output.contains("train      90 samples in 1 shard"))
        #expect(check.output.hasSuffix("\n0 errors, 0 warnings\n"))

        let train = try mio("train", "-n", "2", "job.yaml", in: small)
        #expect(train.status == 0, "\(train.errors)")
        let lines = train.errors.split(separator: "\n")
        #expect(lines.count == 1)
        let quiet = try MPIEnvironment.quietOption()
        #expect(lines.first?.contains("mpirun \(quiet)-n 2 ") == true)
        #expect(lines.first?.hasSuffix("/mio-worker job.yaml") == true)
        #expect(train.output.contains("epoch 2/2 done"))

        let evaluation = try mio("evaluate", "--json", in: small)
        #expect(evaluation.status == 0, "\(evaluation.errors)")
        let object = try JSONSerialization.jsonObject(with: Data(evaluation.output.utf8)) as? [String: Any]
        #expect(object?["samples"] as? Int == 50)
        #expect(object?["data"] as? String == "test")
        #expect(object?["kind_accuracy"] is Double)
        let lined = try mio("evaluate", "--data", "train", "--weights", "checkpoint", in: small)
        #expect(lined.output.hasPrefix("90 samples of train, weights of "))
        #expect(lined.output.split(separator: "\n").count == 6)

        let prediction = try mio("predict", "--data", "t*.npz", "--output", "out.npz", in: small)
        #expect(prediction.status == 0, "\(prediction.errors)")
        #expect(prediction.output.hasPrefix("out.npz: 140 samples, each kind (3,), box (2,); weights of "))
        let written = try Dataset(
            DatasetRequest(files: [small.path("out.npz")]),
            columns: [ColumnRequest(name: "kind", shape: [3])])
        #expect(written.rowCount == 140)

        let summary = try mio("summary", in: small)
        #expect(summary.output.hasPrefix("Model: \"small\"\n┏"))
        #expect(summary.output.contains(" Total params: 101 (404.00 B)"))
    }

    /// The number of ranks is not the training's business: 3 ranks on however few cores continue what 1 began.
    @Test func aLoneRankIsContinuedByThree() throws {
        let small = try SmallJob()
        let one = try mio("train", "--set", "training.epochs=1", in: small)
        #expect(one.status == 0, "\(one.errors)")
        #expect(one.errors.split(separator: "\n").count == 1)
        #expect(!one.errors.contains("mpirun"))
        let three = try mio("train", "-n", "3", in: small)
        #expect(three.status == 0, "\(three.errors)")
        #expect(three.errors.contains("continuing from "))
    }

    @Test func whatCannotBeWrittenIsNoSuccess() throws {
        let small = try SmallJob()
        for (command, place) in [("summary", "> /dev/full"), ("check", "> /dev/full"), ("summary", ">&-")] {
            let run = try SpawnedProcess(
                [
                    "sh", "-c", "\"$0\" \(command) \"$1\" \(place)", BuiltProgram.path("mio"),
                    small.path("job.yaml"),
                ],
                environment: [:]
            ).wait(atMost: 60)
            #expect(run.status == 74, "\(command) \(place)")
            #expect(run.errors.hasPrefix("mio: cannot write to standard output: "), "\(run.errors)")
        }
    }

    @Test func aPredictionNeverReplacesItsInput() throws {
        let small = try SmallJob()
        #expect(try mio("train", in: small).status == 0)
        let before = try Data(contentsOf: URL(filePath: small.path("test.npz")))
        let run = try mio(
            "predict", "-o", "../\(small.folder.path.split(separator: "/").last ?? "")/test.npz", in: small)
        #expect(run.status == 64)
        #expect(
            run.errors.contains("/test.npz is a file of data.test, and would be replaced; name another file"),
            "\(run.errors)")
        #expect(try Data(contentsOf: URL(filePath: small.path("test.npz"))) == before)
    }

    @Test func theLineIsShownAndNotRun() throws {
        let small = try SmallJob()
        let run = try mio(
            "train", "-n", "6", "--hosts", "a:3,b:3", "--resume", "never", "--set", "name=x y", "--dry-run",
            "--",
            "--mca", "btl", "tcp", in: small)
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.errors.contains("mpirun -n 6 --host a:3,b:3 --mca btl tcp "))
        #expect(run.errors.hasSuffix("/mio-worker job.yaml --set 'name=x y' --resume never\n"))
        #expect(!FileManager.default.fileExists(atPath: small.path("runs")))
    }

    /// Of a run that is asked to stop, too.
    @Test func aTraceSaysWhereTheTimeWent() throws {
        let small = try SmallJob()
        let started = try start(
            [
                "train", "-n", "2", "--set", "training.epochs=100000000", "--trace", "t.json",
                "--trace-steps", "3-50",
            ], in: small)
        try waitUntil("step 60") {
            FileManager.default.fileExists(atPath: small.path("runs/small/checkpoints/step-000000060"))
                || !started.isRunning
        }
        started.signal(SIGTERM)
        let train = try started.wait(atMost: 120)
        #expect(train.status == 75, "\(train.errors)")
        let text = try mio("trace", "t.json", in: small)
        #expect(text.status == 0, "\(text.errors)")
        let lines = text.output.split(separator: "\n").map(String.init)
        #expect(lines.first?.hasPrefix("small: steps 3 to 50, 2 ranks × ") == true)
        #expect(lines.last?.hasPrefix("What binds: ") == true)
        for name in ["hidden", "kind", "box", "waiting for ranks", "optimizer", "everything else"] {
            #expect(lines.contains { $0.hasPrefix(name + " ") }, "\(text.output)")
        }
        #expect(lines.contains { $0.hasPrefix("slowest: rank ") })

        let json = try mio("trace", "--json", "t.json", in: small)
        let object = try #require(
            JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
        #expect(object["steps"] as? Int == 48)
        let shares = try #require(object["parts"] as? [[String: Any]]).compactMap { $0["share"] as? Double }
        // A sum of as many terms as there are events.
        let events = try #require(
            JSONSerialization.jsonObject(
                with: Data(contentsOf: URL(filePath: small.path("t.json")))) as? [String: Any])["traceEvents"]
        let count = Double(try #require(events as? [Any]).count)
        #expect(abs(shares.reduce(0, +) - 1) < count * .ulpOfOne)
        #expect(shares.allSatisfy { $0 > -count * .ulpOfOne })
    }

    // MARK: What fails

    @Test func whatIsNoTraceIsTold() throws {
        let small = try SmallJob()
        #expect(try mio("trace", "none.json", in: small).status == 66)
        let job = try mio("trace", "job.yaml", in: small)
        #expect(job.status == 65)
        #expect(
            job.errors
                == "mio: job.yaml: no trace of mio: not valid JSON; make one with mio train --trace FILE\n")
        let steps = try mio("train", "--trace-steps", "1-2", in: small)
        #expect(steps.status == 64)
        #expect(steps.errors.contains("--trace-steps without --trace FILE"))
        #expect(try mio("train", "--trace", "t.json", "--trace-steps", "0-2", in: small).status == 64)
        // Before anything is touched.
        let nowhere = try mio("train", "-n", "2", "--trace", "nowhere/t.json", in: small)
        #expect(nowhere.status != 0 && nowhere.errors.contains("nowhere/t.json"))
        #expect(nowhere.errors.split(separator: "\n").count == 2)
        #expect(!FileManager.default.fileExists(atPath: small.path("runs")))
    }

    /// One message, however many ranks fail.
    @Test func aFailingRunHasOneMessage() throws {
        let small = try SmallJob()
        let run = try mio("train", "-n", "2", "--set", "data.train.files=none-*.npz", in: small)
        #expect(run.status == 66)
        let lines = run.errors.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(
            lines.last
                == "mio: none-*.npz: no file in \(small.folder.path) matches this glob; correct data.train.files or make the shards first"
        )
    }

    @Test func aBadJobIsToldBeforeAnythingStarts() throws {
        let small = try SmallJob()
        let run = try mio("train", "-n", "2", "--set", "training.epoch=3", in: small)
        #expect(run.status == 65)
        #expect(run.errors.split(separator: "\n").count == 1)
        #expect(run.errors.hasPrefix("mio: --set training.epoch=3: "))
        #expect(run.errors.contains("epochs"))
        #expect(try mio("check", "nowhere.yaml", in: small).status == 66)
    }

    @Test func checkEndsWithTheFirstErrorsCode() throws {
        let small = try SmallJob()
        var data = SmallData(samples: 5, stream: 9)
        data.kind[1] = 9
        try data.write(to: small.path("train.npz"))
        let run = try mio("check", in: small)
        #expect(run.status == 65)
        #expect(run.output.contains("error: data.train: output \"kind\": 1 invalid label, the first in "))
    }

    @Test func wrongUsageEndsWith64() throws {
        let small = try SmallJob()
        #expect(try mio("train", "-n", "0", in: small).status == 64)
        #expect(try mio("trian", in: small).status == 64)
        #expect(try mio("predict", "--output", "out.csv", in: small).status == 64)
        let both = try mio("train", "--hosts", "a", "--hostfile", "b", in: small)
        #expect(both.status == 64)
        #expect(both.errors.contains("--hosts and --hostfile both name the machines; keep one"))
    }

    /// Of several values of an option a parser takes the last: silence would hide a mistake.
    @Test(arguments: [
        (["check", "-n", "1", "--number", "2"], "--number is given 2 times (1, 2)"),
        (["train", "--resume", "auto", "--resume=never"], "--resume is given 2 times (auto, never)"),
        (
            ["evaluate", "--weights", "auto", "--weights", "checkpoint"],
            "--weights is given 2 times (auto, checkpoint)"
        ),
        (["predict", "-o", "a.npz", "--output", "b.npz"], "--output is given 2 times (a.npz, b.npz)"),
        (["scale", "--most", "2", "--most", "4", "--most", "8"], "--most is given 3 times (2, 4, 8)"),
        (["check", "--kernels="], "--kernels has an empty value"),
        (["evaluate", "--data", ""], "--data has an empty"),
        (["check", ""], "an argument is empty"),
        (["scale", "--constants", "c.json", "--kernels", "reference"], "--kernels says how to measure"),
        (["train", "--trace-steps", "2-3"], "--trace-steps without --trace FILE"),
        (["train", "--", "-np", "4"], "-np after --: say the number of ranks once"),
        (
            ["train", "--hosts", "localhost:2", "--", "--host", "a"],
            "--host after --: the machines are named before"
        ),
        (["train", "-n", "2", "--hosts", "a:2,,b"], "\"\" is no machine"),
        (["train", "--set", "seed=1", "--set", "seed=2"], "seed: is set twice"),
    ]) func whatIsGivenTwiceOrEmptyIsRefused(arguments: [String], message: String) throws {
        let small = try SmallJob()
        let run = try start(arguments, in: small).wait(atMost: 60)
        #expect(run.status == 64, "\(run.errors)")
        #expect(run.errors.contains(message), "\(run.errors)")
        #expect(!FileManager.default.fileExists(atPath: small.path("runs")))
    }

    @Test func workersRefuseItToo() throws {
        let small = try SmallJob()
        for (program, arguments) in [
            ("mio-worker", ["job.yaml", "--resume", "never", "--resume", "auto"]),
            ("mio-bench", ["run", "--steps", "1", "--steps", "2"]),
            ("two-heads-data", ["--seed", "1", "--output", "x", "--seed=2"]),
            ("garments-data", ["--seed", "1", "--output", "x", "--seed=2"]),
        ] {
            let run = try SpawnedProcess(
                ["env", "-C", small.folder.path, BuiltProgram.path(program)] + arguments
            ).wait(atMost: 60)
            #expect(run.status == 64, "\(run.errors)")
            #expect(run.errors.contains("is given 2 times"), "\(run.errors)")
        }
    }

    /// The programs of the examples make their data, and not only read their arguments.
    @Test(arguments: [
        ("garments-data", ["--train", "30", "--validation", "10", "--test", "20", "--shard", "20"]),
        ("two-heads-data", []), ("image-metadata-data", []),
    ]) func examplesMakeTheirData(program: String, arguments: [String]) throws {
        let small = try SmallJob()
        let folder = small.path("made")
        let run = try SpawnedProcess([BuiltProgram.path(program), "--output", folder] + arguments)
            .wait(atMost: 120)
        #expect(run.status == 0, "\(run.errors)")
        let shards = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        for part in ["train", "validation"] {
            #expect(shards.contains { $0.hasPrefix(part) && $0.hasSuffix(".npz") }, "\(shards)")
        }
        if program == "garments-data" {
            #expect(
                shards == ["test-00.npz", "train-00.npz", "train-01.npz", "validation-00.npz"], "\(shards)")
        }
    }

    /// Without what the tests' environment allows.
    private func launch(_ arguments: [String], in small: SmallJob) throws -> SpawnedProcess.Outcome {
        try SpawnedProcess(
            [
                "env", "-u", "OMPI_MCA_rmaps_base_oversubscribe", "-u",
                "PRTE_MCA_rmaps_default_mapping_policy", "-C",
                small.folder.path, BuiltProgram.path("mio"),
            ] + arguments
        ).wait(atMost: 120)
    }

    /// Both numbers are known before anything starts, to check as to train.
    @Test(arguments: ["train", "check"]) func moreRanksThanSlotsAreToldBefore(command: String) throws {
        let small = try SmallJob()
        let list = try launch([command, "-n", "2", "--hosts", "localhost:1"], in: small)
        #expect(list.status == 64)
        #expect(
            list.errors
                == "mio: -n 2, but --hosts has 1 slot: localhost:1; take fewer ranks, or give the machines more "
                + "slots\n")
        _ = try small.folder.write(Array("localhost slots=2\n".utf8), to: "hosts")
        let file = try launch([command, "-n", "3", "--hostfile", "hosts"], in: small)
        #expect(file.status == 64)
        #expect(
            file.errors
                == "mio: -n 3, but --hostfile hosts has 2 slots; take fewer ranks, or give the machines more "
                + "slots\n")
        let missing = try launch([command, "--hostfile", "none"], in: small)
        #expect(missing.status == 66)
    }

    /// Open MPI 4 is quiet in a run, where the ranks tell everything else, and is asked again. Version 5 has said it.
    @Test func whatMPIRunSaysIsShownWhereNoRankStarted() throws {
        let small = try SmallJob()
        let run = try launch(
            ["train", "-n", "2", "--", "--mca", "rmaps", "nonesuch"], in: small)
        #expect(run.status != 0)
        let isQuiet = run.errors.contains(" mpirun -q ")
        #expect(run.errors.contains("before a rank started. It says:\n") == isQuiet, "\(run.errors)")
        #expect(run.errors.contains("nonesuch"), "\(run.errors)")
        #expect(!run.errors.contains("without -q"))
    }

    /// What is wrong with the job or the data is so for every rank: no rank is named, whoever found it.
    @Test(
        arguments: [
            "optimizer=sgd", "model.layers[0].units=9", "data.train.files=test.npz",
            "run_directory=train.npz/runs",
            "data.validation.files=bad.npz",
        ], [1, 3])
    func checkAndTrainSayTheSame(override: String, ranks: Int) throws {
        let small = try SmallJob()
        #expect(try mio("train", "--set", "training.epochs=1", in: small).status == 0)
        var data = SmallData(samples: 60, stream: 9)
        // In the shares of the second and the third rank.
        (data.kind[25], data.kind[50]) = (3, 17)
        try data.write(to: small.path("bad.npz"))
        let check = try mio("check", "-n", "\(ranks)", "--set", override, in: small)
        let train = try mio("train", "-n", "\(ranks)", "--set", override, in: small)
        #expect(train.status != 0)
        #expect(check.status == train.status)
        let words = train.errors.split(separator: "\n").filter { $0.hasPrefix("mio: ") }
        #expect(words.count == 1, "\(train.errors)")
        let error = "error: \(words.first?.dropFirst("mio: ".count) ?? "nothing")\n"
        #expect(check.output.contains(error), "\(train.errors)\n\(check.output)")
        #expect(!train.errors.contains("rank 0"), "\(train.errors)")
    }

    /// The same options mean the same to both.
    @Test func checkTakesWhatTrainTakes() throws {
        let small = try SmallJob()
        #expect(try mio("train", "--set", "training.epochs=1", in: small).status == 0)
        let never = try mio("check", "--resume", "never", in: small)
        #expect(never.output.contains("from the beginning, as asked for: 1 checkpoint would be removed"))
        let none = try mio("check", "--resume", "runs/small", in: small)
        #expect(none.status == 66)
        #expect(none.output.contains("start           not from runs/small, see below"))
        let trained = try mio("train", "--resume", "runs/small", in: small)
        #expect(trained.status == 66)
        let words = trained.errors.split(separator: "\n").last { $0.hasPrefix("mio: ") }?.dropFirst(
            "mio: ".count)
        #expect(none.output.contains("error: \(words ?? "nothing")\n"))
    }

    /// A file that is named twice on the command line; samples that are validated and learnt from.
    @Test func filesThatAreGivenTwice() throws {
        let small = try SmallJob()
        let shared = ["--set", "data.validation.files=train.npz", "--set", "training.epochs=1"]
        let words =
            "warning: data.validation: \(small.path("train.npz")) is also a file of data.train: losses and metrics of "
            + "data.validation are of samples that the model learns from\n"
        let check = try mio(["check"] + shared, in: small)
        #expect(check.status == 0)
        #expect(check.output.contains(words), "\(check.output)")
        let train = try mio(["train", "-n", "2"] + shared, in: small)
        #expect(train.status == 0)
        #expect(train.errors.components(separatedBy: words).count == 2, "\(train.errors)")
        let evaluation = try mio("evaluate", "--data", "test.npz", "--data", "test.npz", in: small)
        #expect(evaluation.status == 0)
        #expect(
            evaluation.errors.contains(
                "warning: --data: \(small.path("test.npz")) is named twice; it is read once"),
            "\(evaluation.errors)")
    }

    /// A misspelt word is no path: both programs say so with the same words.
    @Test func resumeNamesItsWords() throws {
        let small = try SmallJob()
        let words =
            "--resume atuo: no such folder; did you mean auto? Expected auto, never, or the path of a checkpoint\n"
        let check = try mio("check", "--resume", "atuo", in: small)
        let train = try mio("train", "--resume", "atuo", in: small)
        #expect(check.status == 66 && train.status == 66)
        #expect(check.output.contains("error: " + words), "\(check.output)")
        #expect(train.errors.contains("mio: " + words), "\(train.errors)")
    }

    /// One rule for what is no number, in every JSON; and predictions tell of it as evaluations do.
    @Test func whatIsNotFiniteIsATextInEveryJSON() throws {
        let small = try SmallJob()
        #expect(try mio("train", in: small).status == 0)
        var data = SmallData(samples: 9, stream: 9)
        data.input[4 * 6 + 2] = .nan
        try data.write(to: small.path("broken.npz"))
        let fault = "broken.npz: input \"input\": 1 value is NaN or infinite, the first in "
        let place = "broken.npz, row 4: element [2] is nan"
        let refused = try mio("evaluate", "--data", "broken.npz", "--json", in: small)
        #expect(refused.status == 65)
        #expect(refused.errors.contains("mio: --data " + fault), "\(refused.errors)")
        #expect(refused.errors.contains(place + "; correct the data, or leave such samples out"))
        let skip = ["--set", "training.non_finite=skip"]
        let evaluation = try mio(["evaluate", "--data", "broken.npz", "--json"] + skip, in: small)
        #expect(evaluation.output.contains("\"loss\": \"NaN\""), "\(evaluation.output)")
        #expect(evaluation.errors.contains("warning: --data " + fault), "\(evaluation.errors)")
        #expect(
            evaluation.errors.contains("warning: input \"input\" is not finite on rank 0, first for "),
            "\(evaluation.errors)")
        let prediction = try mio("predict", "--data", "broken.npz", "-o", "out.npz", in: small)
        #expect(prediction.status == 0)
        #expect(
            prediction.errors.contains(
                "warning: predictions that are NaN or infinite: 1 sample of \"kind\", 1 sample of \"box\"; the first for "
            ), "\(prediction.errors)")
        #expect(prediction.errors.contains("broken.npz, row 4, whose input \"input\" is not finite"))
        #expect(
            prediction.errors.contains(place + "; the predictions of such samples mean nothing"),
            "\(prediction.errors)")
        #expect(try mio("predict", "--data", "test", "-o", "out.npz", in: small).errors == "")
        let again = ["train", "--resume", "never", "--set", "data.validation.files=broken.npz"]
        #expect(try mio(again, in: small).status == 65)
        #expect(try mio(again + skip, in: small).status == 0)
        let lines = try String(contentsOfFile: small.path("runs/small/metrics.jsonl"), encoding: .utf8)
        #expect(lines.contains("\"val_loss\": \"NaN\""))
    }

    /// Without Open MPI one rank trains, and more are told what to install.
    @Test func withoutMPIRunItSaysWhatToInstall() throws {
        let small = try SmallJob()
        let run = try SpawnedProcess(
            [
                "/usr/bin/env", "-C", small.folder.path, "PATH=/nowhere", BuiltProgram.path("mio"), "train",
                "-n",
                "2",
            ]
        ).wait(atMost: 120)
        #expect(run.status == 66)
        #expect(run.errors.contains("sudo apt-get install openmpi-bin"))
    }

    @Test func theVersionIsShown() throws {
        #expect(try mio("--version", in: SmallJob()).output == "0.1.0\n")
    }
}
