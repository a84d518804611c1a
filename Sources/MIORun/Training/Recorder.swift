import Foundation
import MIOBase
import MIOCallbacks
import MIOJob
import MIOMachine
import MIORecords
import MIOTraining

/// What rank 0 keeps of a run: turns steps and epochs into the record keeper's events.
///
/// A step that is not logged costs a few additions; one that is allocates nothing either.
final class Recorder {
    let directory: RunDirectory
    private let keeper: RecordKeeper
    private let names: [String]
    private let everySteps: Int
    private let values: Storage<Double>
    private var isClosed = false
    /// Since the last logged step, and since the epoch began.
    @exclusivity(unchecked) private var interval = Interval()
    @exclusivity(unchecked) private var epochInterval = Interval()
    /// What the data had been waited for when the epoch began.
    private var waitedBefore = 0.0
    private static let stepKind = 0

    private struct Interval {
        var start: ContinuousClock.Instant
        var steps = 0
        var samples = 0

        mutating func add(_ samples: Int) {
            steps += 1
            self.samples += samples
        }

        init(start: ContinuousClock.Instant = .now) { self.start = start }

        func seconds(until end: ContinuousClock.Instant) -> Double {
            let (seconds, attoseconds) = start.duration(to: end).components
            return Double(seconds) + Double(attoseconds) * 1e-18
        }
    }

    /// - Parameters:
    ///   - names: of losses and metrics.
    ///   - start: lines of later steps, of a run that was killed, are dropped.
    ///   - batchesDone: of the epoch that the run starts in.
    ///   - console: where to show progress; `nil` for nowhere.
    ///   - validates: whether epochs have numbers of a validation.
    ///   - reporter: told of checkpoints that are on the disk.
    init(
        directory: RunDirectory, job: Job, names: [String], stepsPerEpoch: Int,
        start: TrainingPosition, batchesDone: Int, console: ConsoleTarget?, validates: Bool,
        reporter: RunReporter?
    ) throws {
        self.directory = directory
        let startStep = start.step
        self.names = names
        everySteps = job.logging.everySteps
        values = Storage(count: names.count + LoggingOptions.stepNames.count)
        let lines = try JSONLinesSink(path: directory.metricsPath, keepingThrough: startStep)
        if let warning = lines.warning { Message.write("warning: \(warning)") }
        var sinks: [any MetricSink] = [lines]
        if job.logging.tensorBoard {
            sinks.append(try TensorBoardSink(folder: directory.path, keepingThrough: startStep))
        }
        for case let logger as CSVLogger in job.callbacks {
            sinks.append(
                try CSVSink(
                    path: directory.path(of: logger.filename), separator: logger.separator,
                    names: (names + (validates ? names.map { "val_" + $0 } : []) + ["learning_rate"])
                        .sorted(),
                    keepingBefore: start.epoch, appends: logger.append))
        }
        if let console {
            sinks.append(
                ConsoleSink(
                    descriptor: console.descriptor, isTerminal: console.isTerminal,
                    extent: .init(
                        epochs: job.training.epochs, stepsPerEpoch: stepsPerEpoch,
                        // Epochs before may have had another number of steps.
                        stepsBefore: start.step - start.epoch * stepsPerEpoch - batchesDone),
                    everySteps: everySteps))
        }
        keeper = try RecordKeeper(
            kinds: [EventKind(event: "step", names: names + LoggingOptions.stepNames)], sinks: sinks,
            store: directory.checkpoints(keep: job.retention),
            onCheckpoint: { reporter?.wrote(checkpoint: $0, seconds: $1) })
    }

    func begin(waited: Double) {
        interval = Interval()
        epochInterval = Interval()
        waitedBefore = waited
    }

    func step(_ position: TrainingPosition, report: StepReport, sums: StepSums, isEpochEnd: Bool) {
        interval.add(report.samples)
        epochInterval.add(report.samples)
        guard report.nonFinite == .none, position.step % everySteps == 0 || position.step == 1 || isEpochEnd
        else { return }
        sums.write(to: values.pointer)
        let now = ContinuousClock.now
        let seconds = max(interval.seconds(until: now), 1e-9)
        values.pointer[names.count] = report.learningRate
        values.pointer[names.count + 1] = Double(interval.samples) / seconds
        values.pointer[names.count + 2] = seconds / Double(interval.steps)
        keeper.post(
            Self.stepKind, step: position.step, epoch: position.epoch,
            values: UnsafeBufferPointer(values.buffer))
        interval = Interval(start: now)
    }

    /// Something that does not happen in most runs, with a sentence for a person.
    func happened(
        _ event: String, _ position: TrainingPosition, _ text: String? = nil, values: [RunEvent.Value] = []
    ) {
        keeper.post(
            RunEvent(
                event: event, step: position.step, epoch: position.epoch, values: values, text: text))
    }

    /// - Parameters:
    ///   - validated: in the order of `names`, or empty.
    ///   - waited: seconds that the steps have waited for data since the run began.
    func epoch(
        _ position: TrainingPosition, values: [Double], validated: [Double], learningRate: Double,
        waited: Double
    ) {
        let seconds = max(epochInterval.seconds(until: .now), 1e-9)
        let validation = zip(names, validated).map { RunEvent.Value("val_" + $0, $1) }
        var entries = zip(names, values).map { RunEvent.Value($0, $1) } + validation
        entries.append(RunEvent.Value("learning_rate", learningRate))
        if epochInterval.steps > 0 {
            entries.append(RunEvent.Value("samples_per_second", Double(epochInterval.samples) / seconds))
            entries.append(RunEvent.Value("step_seconds", seconds / Double(epochInterval.steps)))
        }
        entries.append(RunEvent.Value("data_wait_seconds", waited - waitedBefore))
        keeper.post(
            RunEvent(event: "epoch", step: position.step, epoch: position.epoch, values: entries))
        begin(waited: waited)
    }

    func submit(_ checkpoint: Checkpoint) { keeper.submit(checkpoint) }
    func waitForCheckpoint() { keeper.waitForCheckpoint() }
    func takeError() -> (any MIOError)? { keeper.takeError() }

    func close() {
        if !isClosed { keeper.close() }
        isClosed = true
    }
}
