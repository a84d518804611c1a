import Foundation
import MIOBase
import MIOComm
import MIOData
import MIOPlan
import MIORunFolder

extension RunReporter {
    /// How a run ended that did not fail.
    func close(_ outcome: RunOutcome, step: Int, epoch: Int) {
        ended(step: step, epoch: epoch)
        switch outcome {
        case .finished:
            close(.finished, RunEnd(.finished, text: "all epochs are done", exitCode: 0, step: step))
        case .stopped:
            // The farewell of a supervisor that is killed is the same signal as a person's.
            let cause = StopSignal.cause == .stoppedByUser && supervisorIsGone ? .unknown : StopSignal.cause
            let text =
                switch cause {
                case .deadline: "stopped before the time limit"
                case .unknown: "stopped because its supervisor is gone"
                case .regrouped: "stopped to go on with more ranks"
                default: "stopped on request"
                }
            // Nobody who waits for the run's end is to take this for one.
            close(
                cause == .regrouped ? .restarting : .stopped,
                RunEnd(
                    cause,
                    text: text + " after step \(step)"
                        + (cause == .regrouped ? "" : "; run again to continue"),
                    exitCode: Int(ExitCode.stopped.rawValue), step: step))
        }
    }

    static func files(of dataset: Dataset, _ source: String) -> [RunLedger.DataFile] {
        dataset.shardFacts.map { shard in
            RunLedger.DataFile(
                source: source, path: shard.paths.joined(separator: "+"), size: shard.byteCount,
                rows: shard.rowCount, crc32: shard.checksum.map { String($0, radix: 16) })
        }
    }

    static func buckets(of plan: Plan) -> [RunLedger.Bucket] {
        plan.bucketContents.map { RunLedger.Bucket(outputs: $0.outputs, layers: $0.layers) }
    }

    /// The machines of all ranks; a collective.
    /// - Throws: `CommunicationError`
    static func hosts(_ communicator: any Communicator) throws -> [RunLedger.Host] {
        let names = try communicator.allgather(Array(ProcessInfo.processInfo.hostName.utf8)).map {
            String(decoding: $0, as: UTF8.self)
        }
        var hosts: [RunLedger.Host] = []
        for (rank, name) in names.enumerated() {
            if let place = hosts.firstIndex(where: { $0.name == name }) {
                hosts[place].ranks.append(rank)
            } else {
                hosts.append(RunLedger.Host(name: name, ranks: [rank]))
            }
        }
        return hosts
    }
}
