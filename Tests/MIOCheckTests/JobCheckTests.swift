import Foundation
import MIOBase
import MIOCheck
import MIOComm
import MIOFormats
import MIOJob
import MIOMachine
import MIORecords
import MIORun
import MIOTuning
import SmallJobs
import Testing

@Suite struct JobCheckTests {
    private func check(
        _ job: Job, ranks: Int = 1, resume: ResumeMode = .automatic, isElsewhere: Bool = false
    ) throws -> JobCheck {
        JobCheck(
            job, ranks: ranks, cores: MachineCores(threads: 2, cores: 2),
            backend: try KernelSelection.native.makeBackend(threads: 1), resume: resume,
            isElsewhere: isElsewhere)
    }

    /// What a training of the job says and ends with before its first step; `nil` if it trains.
    private func refusal(_ small: SmallJob, _ job: Job, resume: ResumeMode = .automatic) throws
        -> AgreedError?
    {
        do {
            _ = try TrainingRun(small.session(job)).run(
                resume: resume, console: nil, isStopRequested: { true })
            return nil
        } catch let error as AgreedError {
            return error
        }
    }

    /// Whatever a training refuses, a check refuses with the same words and the same code.
    @Test(arguments: [
        "optimizer=sgd", "optimizer={class: SGD, momentum: 0.9}", "optimizer={class: Adam, amsgrad: true}",
        "model.layers[0].units=9", "seed=1", "training.shuffle=false", "data.train.files=test.npz",
        "training.reproducible=strict", "run_directory=train.npz/runs", "run_directory=/proc/mio/runs",
    ]) func checkRefusesWhatTrainingRefuses(override: String) throws {
        let small = try SmallJob()
        try small.train(small.job("training.epochs=1"))
        let job = try small.job(override)
        let error = try refusal(small, job)
        let check = try check(job)
        if override == "training.reproducible=strict" {
            // One rank may be strict.
            #expect(error == nil)
            #expect(check.findings.errors == [])
        } else {
            #expect(error != nil)
            #expect(check.findings.errors.map(\.message) == [error?.description])
            #expect(check.exitCode == error?.exitCode)
        }
    }

    /// A check reads the files that weights start from, as a training does, and refuses them with the same words.
    @Test(arguments: [
        ("nofile.keras", ": no such file or folder; it is where weights start from"),
        ("train.npz", ": model.weights.h5: missing; expected a .keras file of Keras 3"),
        (
            "diverged.safetensors",
            ": weight \"box/kernel\": 1 of 16 values are NaN or infinite: the training that wrote it has diverged; take a "
                + "file from before that"
        ),
        (
            "other.safetensors",
            ". Read only the layers that the file has (weights: {file: …, layers: [\"box\"]})"
        ),
    ]) func checkReadsWhatWeightsStartFrom(file: String, words: String) throws {
        let small = try SmallJob()
        try small.train(small.job("training.epochs=1"))
        let trained = try SafetensorsFile(small.path("runs/small/model.safetensors"))
        func write(_ name: String, _ tensor: (String) throws -> Tensor) throws {
            try SafetensorsWriter.write(
                trained.names.map { NamedTensor(name: $0, try tensor($0)) }, to: small.path(name))
        }
        try write("diverged.safetensors") { name in
            let tensor = try trained.tensor(named: name)
            guard name == "box/kernel" else { return tensor }
            return Tensor(shape: tensor.shape, values: [.nan] + tensor.values.dropFirst())
        }
        try write("other.safetensors") { name in
            name.hasPrefix("box/") ? try trained.tensor(named: name) : Tensor(shape: [1], values: [0])
        }
        let job = try small.job("name=new", "weights=\(file)")
        let error = try refusal(small, job)
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "none")")
        let check = try check(job)
        #expect(check.findings.errors.map(\.message) == [error?.description])
        #expect(check.exitCode == error?.exitCode)
        // The advice, to the letter.
        guard file == "other.safetensors" else { return }
        let advised = try small.job("name=new", "weights={file: \(file), layers: [\"box\"]}")
        #expect(try refusal(small, advised) == nil)
        #expect(try self.check(advised).findings.errors == [])
    }

    /// A callback writes over nothing that the run has or reads, and nothing that another one writes.
    @Test(arguments: [
        ("CSVLogger, filename: ../../train.npz", "filename", "train.npz is a file of data.train"),
        (
            "CSVLogger, filename: ../../validation.npz", "filename",
            "validation.npz is a file of data.validation"
        ),
        ("CSVLogger, filename: ../../job.yaml", "filename", "job.yaml has the name of a job file"),
        ("CSVLogger, filename: ./metrics.jsonl", "filename", "runs/small/metrics.jsonl is the run's own"),
        (
            "ModelCheckpoint, monitor: loss, filepath: \"checkpoints/{epoch}.safetensors\"", "filepath",
            "runs/small/checkpoints/{epoch}.safetensors is the run's own"
        ),
        (
            "ModelCheckpoint, monitor: loss, filepath: ../../start.safetensors", "filepath",
            "start.safetensors is a file that weights start from"
        ),
    ]) func callbacksReplaceNothing(callback: String, key: String, words: String) throws {
        let small = try SmallJob()
        try small.train(small.job("name=start", "training.epochs=1"))
        try FileManager.default.copyItem(
            atPath: small.path("runs/start/model.safetensors"), toPath: small.path("start.safetensors"))
        let before = try Data(contentsOf: URL(filePath: small.path("train.npz")))
        let job = try small.job("weights=start.safetensors", "callbacks=[{class: \(callback)}]")
        let error = try refusal(small, job)
        #expect(error?.exitCode == .badInput)
        #expect(error?.description.hasPrefix("callbacks[0].\(key): ") == true)
        #expect(
            error?.description.hasSuffix("/\(words), and would be replaced; name another file to write")
                == true,
            "\(error?.description ?? "none")")
        #expect(try check(job).findings.errors.map(\.message) == [error?.description])
        #expect(try Data(contentsOf: URL(filePath: small.path("train.npz"))) == before)
    }

    @Test func callbacksHaveFilesOfTheirOwn() throws {
        let small = try SmallJob()
        let twice = try small.job(
            "callbacks=[{class: CSVLogger, filename: a.csv}, {class: CSVLogger, filename: ./b/../a.csv}]")
        #expect(
            try check(twice).findings.errors.map(\.message) == [
                "callbacks[1].filename: \(small.path("runs/small/a.csv")) is the file of callbacks[0].filename, and would "
                    + "be replaced; name another file to write"
            ])
        let apart = try small.job("callbacks=[{class: CSVLogger, filename: a.csv}, {class: CSVLogger}]")
        #expect(try check(apart).findings.errors == [])
    }

    /// Numbers that only 64-bit floats hold.
    @Test(arguments: ["outputs.kind.weight=1e39", "outputs.kind.class_weight={0: 1e39}"])
    func weightsAreThoseOf32Bits(override: String) throws {
        let small = try SmallJob()
        let error = #expect(throws: JobError.self) { _ = try small.job(override) }
        #expect(
            error?.description.contains("32-bit floats hold, found 1e+39") == true,
            "\(error?.description ?? "")")
    }

    /// A run that cannot begin anew loses nothing of what it has.
    @Test func aRefusedStartKeepsTheRun() throws {
        let small = try SmallJob()
        let job = try small.job("training.epochs=1")
        try small.train(job)
        let before = try kept(job)
        #expect(before.steps == [6])
        let error = try refusal(small, small.job("weights=nofile.keras"), resume: .never)
        #expect(error?.exitCode == .missingInput)
        #expect(try kept(job) == before)
    }

    private struct Kept: Equatable {
        let steps: [Int]
        let job: Data
    }

    private func kept(_ job: Job) throws -> Kept {
        let store = CheckpointStore(folder: RunDirectory.checkpointsPath(in: job.runDirectory), keep: 3)
        return Kept(
            steps: try store.steps(),
            job: try Data(contentsOf: URL(filePath: RunDirectory.jobPath(in: job.runDirectory))))
    }

    /// A run that goes on does not read its starting weights again; other ones than it began with are told.
    @Test func otherStartingWeightsThanTheRunsAreTold() throws {
        let small = try SmallJob()
        try small.train(small.job("training.epochs=1"))
        let path = small.path("runs/small/model.safetensors")
        try small.train(small.job("name=next", "training.epochs=1", "weights=\(path)"))
        func warnings(_ overrides: String) throws -> [String] {
            let check = try check(try small.job("name=next", overrides))
            #expect(check.findings.errors == [])
            return check.findings.warnings.filter { $0.hasPrefix("weights: ") }
        }
        #expect(try warnings("weights=\(path)") == [])
        let told = try warnings("weights=nofile.keras")
        #expect(told.count == 1)
        #expect(told.first?.contains("nofile.keras") == true, "\(told)")
        #expect(
            told.first?.hasSuffix(" is not read; start over with --resume never to begin with it") == true)
    }

    /// A run goes on with other trained weights, and the check warns as the run does.
    @Test(arguments: [
        ("freeze=[hidden]", "no longer hidden/kernel, hidden/bias. The optimizer goes on with the others"),
        ("model.layers[0].trainable=false", "no longer hidden/kernel, hidden/bias. The optimizer goes on"),
        ("outputs={kind: {loss: sparse_categorical_crossentropy}}", "no longer box/kernel, box/bias. The"),
        (
            "freeze=['*']",
            "no longer hidden/kernel, hidden/bias, kind/kernel, kind/bias, box/kernel, box/bias."
        ),
    ]) func otherTrainedWeightsAreAWarning(override: String, words: String) throws {
        let small = try SmallJob()
        try small.train(small.job("training.epochs=1"))
        let job = try small.job(override)
        // First: what the training writes is of the job as it is now.
        let check = try check(job)
        #expect(try refusal(small, job) == nil)
        #expect(check.exitCode == .finished)
        #expect(
            check.findings.warnings.contains {
                $0.contains("other weights are trained than when it was written: \(words)")
            }, "\(check.findings.warnings)")
    }

    /// Validation's batches count too, where there are fewer samples to train with.
    @Test func theMemoryOfValidationCounts() throws {
        let small = try SmallJob()
        try SmallData(samples: 2, stream: 1).write(to: small.path("train.npz"))
        func memory(_ overrides: String...) throws -> Int? {
            try check(
                Job.load(path: small.path("job.yaml"), overrides: ["training.batch_size=50"] + overrides)
            )
            .resources?.memory.batches
        }
        let (with, without) = (try memory(), try memory("data.validation=null"))
        #expect(try #require(with) > #require(without))
    }

    @Test func theHolderOfTheRunDirectoryIsNamed() throws {
        let small = try SmallJob()
        let job = try small.job()
        let held = try RunDirectory(job.runDirectory)
        let error = try refusal(small, job)
        let check = try check(job)
        #expect(check.findings.errors.map(\.message) == [error?.description])
        #expect(
            error?.description.contains("process \(ProcessInfo.processInfo.processIdentifier) on ") == true)
        #expect(check.exitCode == .inputOutput)
        #expect(held.warning == nil)
    }

    @Test func whatToContinueFromCanBeAskedFor() throws {
        let small = try SmallJob()
        let job = try small.job("training.epochs=3")
        try small.train(small.job("training.epochs=1"))
        let path = job.runDirectory + "/checkpoints/step-000000006"
        #expect(try check(job, resume: .checkpoint(path: path)).runDirectory.continues?.checkpoint == path)
        #expect(try check(job, resume: .never).runDirectory.start == .startingOver(removing: 1))
        let missing = try check(job, resume: .checkpoint(path: job.runDirectory))
        #expect(missing.exitCode == .missingInput)
        #expect(
            try missing.findings.errors.map(\.message)
                == [refusal(small, job, resume: .checkpoint(path: job.runDirectory))?.description])
        #expect(try check(small.job("run_directory=new")).runDirectory.start == .beginning)
    }

    /// Between two epochs the batch may have another size: a warning, as in training.
    @Test func anotherBatchAfterAnEpochIsAWarning() throws {
        let small = try SmallJob()
        try small.train(small.job("training.epochs=1"))
        let check = try check(small.job("training.batch_size=30"))
        #expect(check.findings.errors == [])
        #expect(
            check.findings.warnings.first?.hasSuffix(
                "was written with training.batch_size 16, the job has 30: from epoch 2 on an epoch has 3 steps; "
                    + "learning rate schedules go on counting steps") == true, "\(check.findings.warnings)")
    }

    @Test func aGoodJobHasNoFindings() throws {
        let small = try SmallJob()
        let check = try check(small.job(), ranks: 2)
        #expect(check.findings.errors == [])
        #expect(check.findings.warnings == [])
        #expect(check.exitCode == .finished)
        #expect(check.data.map(\.key) == ["train", "validation", "test"])
        #expect(check.data[0].samples == 90)
        let kind = check.data[0].targets[0]
        #expect(kind.labels.labelled == 90)
        let expected = (0..<3).map { label in
            SmallData(samples: 90, stream: 0).kind.count { Int($0) == label }
        }
        #expect(kind.labels.classCounts == expected)
        // 90 samples in batches of 16; of Adam's two slots, 101 weights: 6·8+8, 8·3+3, 8·2+2.
        #expect(check.resources?.batchesPerEpoch == 6)
        #expect(check.resources?.largestPart == 8)
        #expect(check.resources?.memory.checkpoint == 101 * 3 * 4)
        #expect(check.report.hasSuffix("0 errors, 0 warnings"))
        #expect(!FileManager.default.fileExists(atPath: small.path("runs")))
    }

    @Test func badLabelsAndValuesAreCountedAndPlaced() throws {
        let small = try SmallJob()
        var data = SmallData(samples: 20, stream: 5)
        data.kind[4] = 3
        data.kind[7] = -2
        data.kind[9] = -1
        data.input[2 * 6 + 1] = .nan
        data.input[3 * 6] = .infinity
        data.box[2 * 11 + 1] = .nan
        try data.write(to: small.path("train.npz"))
        let check = try check(small.job())
        let place = small.path("train.npz")
        #expect(
            check.findings.errors.map(\.message) == [
                "data.train: input \"input\": 2 values are NaN or infinite, the first in \(place), row 2: element "
                    + "[1] is nan; correct the data, or leave such samples out",
                "data.train: output \"kind\": 2 invalid labels, the first in \(place), row 4: target at position 0 "
                    + "is 3.0; expected a class index, a whole number from 0 to 2, or the missing label; correct "
                    + "the data, or set outputs.kind.missing_label",
            ])
        #expect(check.exitCode == .badInput)
        #expect(check.findings.warnings == [])
        #expect(check.data[0].targets[0].labels.labelled == 17)
        #expect(check.data[0].targets[1].labels.labelled == 20)
        #expect(check.data[0].targets[1].labels.labelledElements == 39)
        #expect(check.report.contains("17 of 20 labelled (85 %)"))
        #expect(check.report.contains(" 1 of 20 targets is missing (1 is -1)\n"))
        #expect(check.report.contains(" 1 of 40 elements is missing (1 is NaN)\n"))
    }

    /// Each shard's faults, not the first alone.
    @Test func everyBadShardIsTold() throws {
        let small = try SmallJob()
        var renamed = SmallData(samples: 5, stream: 5)
        renamed.names = ("inputs", "kind", "boxes")
        try renamed.write(to: small.path("train-1.npz"))
        let whole = try Data(contentsOf: URL(filePath: small.path("train.npz")))
        try whole.prefix(whole.count / 2).write(to: URL(filePath: small.path("train-2.npz")))
        let check = try check(small.job("data.train.files=train*.npz"))
        let messages = check.findings.errors.map(\.message)
        #expect(messages.count == 3)
        #expect(
            messages[0].hasPrefix(
                "\(small.path("train-1.npz")): no array \"input\"; the nearest is \"inputs\""))
        #expect(
            messages[1].hasPrefix(
                "\(small.path("train-1.npz")): no array \"box\"; it holds inputs, kind, boxes"))
        #expect(messages[2].hasPrefix("\(small.path("train-2.npz")): "))
        #expect(messages[2].contains("the file is cut short"))
        #expect(check.resources == nil)
        #expect(check.data.map(\.key) == ["validation", "test"])
    }

    @Test func aWrongShapeAndAMissingFileAreTold() throws {
        let small = try SmallJob()
        let check = try check(small.job("model.inputs.input.shape=[7]", "data.test.files=tset.npz"))
        #expect(
            check.findings.errors.map(\.message) == [
                "\(small.path("train.npz")): array \"input\": samples of shape (6,), (7,) expected",
                "\(small.path("validation.npz")): array \"input\": samples of shape (6,), (7,) expected",
                "tset.npz: no such file in \(small.folder.path); correct data.test.files or make the shards "
                    + "first",
            ])
        let missing = try self.check(small.job("data.train.files=none-*.npz"))
        #expect(missing.exitCode == .missingInput)
    }

    @Test func suspiciousDataIsNoError() throws {
        let small = try SmallJob()
        var data = SmallData(samples: 12, stream: 5)
        for sample in 0..<12 {
            data.kind[sample] = sample < 6 ? 0 : -1
            data.input[sample * 6 + 5] = 255
            data.box[2 * sample] = 64
        }
        data.weights = [Float](repeating: 0, count: 12)
        try data.write(to: small.path("train.npz"))
        let check = try check(small.job("outputs.kind.metrics=[]"), ranks: 20)
        #expect(check.findings.errors == [])
        let beginnings = [
            "data.train: input \"input\": 1 of its 6 elements is the same in every sample",
            "data.train: input \"input\" has values up to 255; models learn best from values",
            "data.train: output \"kind\": 2 of 3 classes never occur: 1, 2",
            "data.train: output \"kind\": every sample weight is 0: it learns nothing",
            "data.train: output \"box\": targets reach from ",
            "20 ranks share 2 cores: more ranks than cores make training slower, not faster",
            "8 of 20 ranks have no sample in any step: a step has 12; raise training.batch_size or",
            "training.batch_size 16 is more than 12 samples, all there are: an epoch is one step",
        ]
        #expect(check.findings.warnings.count == beginnings.count)
        for (warning, beginning) in zip(check.findings.warnings, beginnings) {
            #expect(warning.hasPrefix(beginning))
        }
        var none = SmallData(samples: 12, stream: 6)
        none.kind = [Int32](repeating: -1, count: 12)
        try none.write(to: small.path("train.npz"))
        #expect(
            try self.check(small.job()).findings.warnings.contains(
                "data.train: output \"kind\": no sample has a label: its loss and metrics are 0, and it learns nothing"
            ))
    }

    @Test func itTellsWhatWouldBeContinued() throws {
        let small = try SmallJob()
        let job = try small.job()
        try small.train(job)
        let done = try check(job)
        #expect(done.runDirectory.continues?.step == 12)
        #expect(done.runDirectory.continues?.epoch == 2)
        #expect(done.findings.warnings.count == 1)
        #expect(done.findings.warnings[0].contains("all 2 epochs are done, and nothing is left to train"))
        #expect(try check(small.job("training.epochs=3")).findings.warnings == [])

        let seed = try check(small.job("training.epochs=3", "seed=8"))
        #expect(seed.findings.errors.count == 1)
        #expect(
            seed.findings.errors[0].message.hasSuffix(
                "was written with seed 0, the job has 8; set it back, or start over with --resume never"))
        // There is a checkpoint: that there is none would be false.
        let place = job.runDirectory + "/checkpoints/step-000000012"
        #expect(seed.runDirectory.start == .refused(path: place))
        #expect(seed.report.contains("\nstart           not from \(place), see below\n"))
        let model = try check(small.job("training.epochs=3", "model.layers[0].units=9"))
        #expect(model.findings.errors.count == 1)
        #expect(model.findings.errors[0].message.contains("the checkpoint is of another model"))
    }

    /// Told before it is asked for: Linux would grant it, and kill whoever uses it.
    @Test func aModelThatNoMemoryHoldsIsRefused() throws {
        let small = try SmallJob()
        let job = try small.job("model.layers[0].units=2000000000")
        let refused = try check(job, ranks: 2)
        #expect(refused.exitCode == .inputOutput)
        #expect(refused.data.isEmpty, "no data is looked at")
        let message = try #require(refused.findings.errors.first?.message)
        #expect(message.hasPrefix("the model takes at least "), "\(message)")
        #expect(message.contains("most of it by layer \"hidden\" (Dense), "), "\(message)")
        // Other machines may have more.
        let elsewhere = try check(job, ranks: 2, isElsewhere: true)
        #expect(elsewhere.findings.errors == [])
        #expect(elsewhere.findings.warnings.contains { $0.hasPrefix(message) })
        // A training says the same, whose session knows that it is one.
        let error = #expect(throws: AgreedError.self) {
            try Session(
                job: job, communicator: LoopbackCommunicator(),
                makeBackend: KernelSelection.native.makeBackend)
        }
        #expect(error?.exitCode == .inputOutput)
        #expect(error?.description.contains("most of it by layer \"hidden\" (Dense), ") == true)
    }

    @Test func aFileInTheWayOfTheRunDirectoryIsAnError() throws {
        let small = try SmallJob()
        let check = try check(small.job("run_directory=train.npz/runs"))
        #expect(
            check.findings.errors.map(\.message) == [
                "cannot create the folder \(small.path("train.npz/runs")): Not a directory; a file is in the way where "
                    + "a folder was expected"
            ])
        #expect(check.exitCode == .inputOutput)
    }
}
