import MIOBase
import MIOBatches
import MIOComm
import MIOData
import MIOJob
import MIOKernels
import MIORun
import MIOTuning
import TestFolders
import Testing

/// What a training's convolutions were picked by goes with its run directory.
@Suite struct KeptTuningTests {
    private static let text = """
        name: images
        model:
          inputs: {image: {shape: [20, 20, 16]}}
          layers:
            - {name: conv, class: Conv2D, inputs: image, filters: 32, kernel_size: 3, activation: relu}
            - {name: flat, class: Flatten, inputs: conv}
            - {name: answer, class: Dense, inputs: flat, units: 1, activation: sigmoid}
          outputs: [answer]
        outputs:
          answer: {loss: binary_crossentropy}
        data:
          train: {files: train.npz}
        training: {epochs: 1, batch_size: 4}

        """

    private func tuning(_ job: Job) throws -> (NativeBackend, Session) {
        let session = try Session(
            job: job, communicator: LoopbackCommunicator(), makeBackend: KernelSelection.native.makeBackend)
        let (_, _, backend) = try session.makeTrainingReplica(
            schedules: [BatchSchedule(rowCount: 4, batchSize: 4)], floatsPerSample: 6401)
        return (try #require(backend as? NativeBackend), session)
    }

    @Test func aRunGoesByWhatItUsedBefore() throws {
        let folder = try TemporaryFolder()
        _ = try folder.write(Array(Self.text.utf8), to: "job.yaml")
        var random = PhiloxSequence(seed: 3, stream: 0)
        let images = (0..<4 * 20 * 20 * 16).map { _ in random.nextUniform(-1, 1) }
        try NpzWriter.write(
            [
                ("image", Tensor(shape: [4, 20, 20, 16], values: images)),
                ("answer", Tensor(shape: [4, 1], values: [0, 1, 1, 0])),
            ], to: folder.path("train.npz"))
        let job = try Job.load(path: folder.path("job.yaml"), overrides: [])
        let (backend, session) = try tuning(job)
        let picks = backend.tuning.picks
        let outcome = try TrainingRun(session).run(
            resume: .automatic, console: nil, isStopRequested: { false })
        #expect(outcome == .finished)
        // Where a processor has one way only, nothing is measured, nor kept.
        let kept = TuningCache(folder: job.runDirectory)
        #expect(kept.tuning(of: backend.machine).picks == picks)

        let others = picks.mapValues { pick in ConvolutionCandidate.allCases.first { $0 != pick }! }
        kept.add(Tuning(picks: others), of: backend.machine)
        #expect(try tuning(job).0.tuning.picks == others)
    }

    /// Measuring takes the memory of a pass: a training that has not as much is refused first.
    @Test(arguments: ["float32", "bfloat16"]) func memoryIsCheckedFirst(precision: String) throws {
        let folder = try TemporaryFolder()
        _ = try folder.write(Array(Self.text.utf8), to: "job.yaml")
        let samples = 20_000_000
        let job = try Job.load(
            path: folder.path("job.yaml"),
            overrides: [
                "training.batch_size=\(samples)", "training.micro_batch=\(samples)", "training.threads=1",
                "training.precision=\(precision)",
            ])
        let session = try Session(
            job: job, communicator: LoopbackCommunicator(), makeBackend: KernelSelection.native.makeBackend)
        let error = #expect(throws: AgreedError.self) {
            try session.makeTrainingReplica(
                schedules: [BatchSchedule(rowCount: samples, batchSize: samples)], floatsPerSample: 6401)
        }
        #expect(error?.exitCode == .inputOutput)
        #expect(error?.description.contains("1 rank needs about ") == true, "\(error?.description ?? "")")
    }
}
