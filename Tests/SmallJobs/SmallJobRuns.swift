import Foundation
import MIOBase
import MIOComm
import MIOJob
import MIORun
import MIOTuning

extension SmallJob {
    package func job(_ overrides: String...) throws -> Job {
        try Job.load(path: path("job.yaml"), overrides: overrides)
    }

    package func session(_ job: Job) throws -> Session {
        try Session(
            job: job, communicator: LoopbackCommunicator(), makeBackend: KernelSelection.native.makeBackend)
    }

    /// Trains to the end.
    package func train(_ job: Job) throws {
        let outcome = try TrainingRun(session(job)).run(
            resume: .automatic, console: nil, isStopRequested: { false })
        guard outcome == .finished else { throw RunError("stopped early", exitCode: .internalError) }
    }

    /// The last line of the run's metrics.
    package func lastMetrics(_ job: Job) throws -> [String: Double] {
        let text = try String(contentsOfFile: job.runDirectory + "/metrics.jsonl", encoding: .utf8)
        let line = text.split(separator: "\n").last ?? ""
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
        return object.compactMapValues { ($0 as? NSNumber)?.doubleValue }
    }
}
