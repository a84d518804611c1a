import Foundation
import MIOBase
import MIOComm
import MIOFiles
import MIOKernels
import MIOMachine
import MIOThreads
import MIOTrace
import MIOTraining

/// The timeline of one rank of a training, and how all of them become one file.
final class RunTrace {
    let steps: StepTimeline
    private let request: TraceRequest
    private let session: Session
    private let layers: [String]
    private let clocks: ClockAlignment

    /// Tells of a file that cannot be written before anything is done, and not after hours.
    /// - Throws: the same on all ranks: `AgreedError`, `CommunicationError`.
    static func check(_ request: TraceRequest, _ communicator: any Communicator) throws {
        try communicator.agree(on: "the trace", .ofOneRank) {
            if communicator.rank == 0 { _ = try AtomicFile(replacing: request.path) }
        }
    }

    /// Begins to record.
    /// - Throws: `CommunicationError`
    init(_ request: TraceRequest, of run: TrainingRun) throws {
        let communicator = run.communicator
        self.request = request
        session = run.session
        let timeline = Timeline(steps: request.steps(after: run.state.position.step))
        steps = run.replica.record(
            on: timeline, bytesOfUpdate: run.optimizer.bytesOfUpdate / run.session.lanes.count)
        var layers: [String] = []
        for layer in timeline.facts.compactMap(\.layer) where !layers.contains(layer) { layers.append(layer) }
        self.layers = layers
        clocks = try ClockAlignment(communicator)
    }

    // MARK: Recording

    /// The timeline, for a step that begins.
    func timeline(ofStep step: Int) -> StepTimeline {
        steps.timeline.begin(step: step)
        return steps
    }

    /// Validation is one event: its passes are no part of a step.
    func beginValidation() -> UInt64 {
        defer { steps.timeline.pause(true) }
        return steps.now
    }

    func endValidation(from start: UInt64) {
        steps.timeline.pause(false)
        steps.record(.validation, from: start)
    }

    // MARK: The file

    /// Measures the machines' limits and writes the trace, on all ranks.
    /// - Throws: the same on all ranks: `AgreedError`, `CommunicationError`.
    func write() throws {
        let communicator = session.communicator
        let timeline = steps.timeline
        let writer = EventWriter(rank: communicator.rank, origin: clocks.origin)
        let events = try communicator.gather(writer.json(timeline, host: clocks.host), root: 0)
        // All at the same time: memory is shared, and a rank alone would find it faster than a step does.
        try communicator.barrier()
        let own = try communicator.agree(on: "the machine's limits") {
            // Recorded is the first lane: held against its part of what all can do together.
            var limits = try MachineLimits.measure(threads: session.threads)
            limits.gigaflops /= Double(session.lanes.count)
            limits.triadGigabytes /= Double(session.lanes.count)
            return try JSONEncoder().encode(
                TraceDescription.Rank(
                    machine: clocks.host,
                    limits: .init(gigaflops: limits.gigaflops, triadGigabytes: limits.triadGigabytes),
                    dropped: timeline.dropped))
        }
        let ranks = try communicator.gather(Array(own), root: 0)
        try communicator.agree(on: "writing the trace", .ofOneRank) {
            guard let events, let ranks else { return }
            let description = TraceDescription(
                version: mioVersion, job: session.job.name, batchSize: session.job.training.samplesPerUpdate,
                threads: session.threads, lanes: session.lanes.count, layers: layers,
                ranks: try ranks.map { try JSONDecoder().decode(TraceDescription.Rank.self, from: Data($0)) })
            let file = try AtomicFile(replacing: request.path)
            try file.write(TraceFile.bytes(events: events, description: description))
            try file.commit()
            let dropped = description.ranks.reduce(0) { $0 + $1.dropped }
            if timeline.events.isEmpty {
                let (first, last) = (timeline.steps.lowerBound, timeline.steps.upperBound)
                Message.write(
                    "warning: \(request.path) has no step: this run did none of steps \(first) to \(last); "
                        + "name others with --trace-steps")
            } else if dropped > 0 {
                Message.write(
                    "warning: \(request.path) lacks \(counted(dropped, "event")) of its last steps, for which there was "
                        + "no room; name fewer steps with --trace-steps")
            }
        }
    }
}
