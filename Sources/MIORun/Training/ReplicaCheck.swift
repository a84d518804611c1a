import MIOBase
import MIOComm
import MIOJob
import MIOMachine
import MIORecords
import MIORunFolder
import MIOTraining

/// Sees that the replicas of several machines stay equal: memory or a network that changes bits would make a training wrong
/// without a sign.
extension TrainingRun {
    private static let mostFaults = 3

    var isReplicaCheckStep: Bool {
        let every = job.training.replicaCheck.everySteps
        return every > 0 && state.position.step % every == 0
    }

    /// Compares all replicas, between two steps; once a step at most. All ranks call it together.
    /// - Throws: `GoingBack` if they differ; `RunError` with `noProgress` if that happens again and again; `CommunicationError`.
    func compareReplicas() throws {
        let options = job.training.replicaCheck
        guard replicas.hasSeveral, options.everySteps > 0, comparedStep != state.position.step else { return }
        comparedStep = state.position.step
        guard try !replicas.areEqual() else { return }
        let difference = try replicas.difference()
        let hosts = try RunReporter.hosts(communicator)
        replicaFaults += 1
        let text = describe(difference, hosts)
        guard replicaFaults <= Self.mostFaults else {
            throw RunError(
                text
                    + "; it is the \(replicaFaults)th difference since the ranks were started. Test the memory and the network of these "
                    + "machines, and run without them", exitCode: .noProgress)
        }
        guard options.repair == .copy, let majority = difference.majority else {
            throw GoingBack(text: text, leavesOut: false)
        }
        try replicas.copy(fromGroup: majority)
        guard communicator.rank == 0 else { return }
        let repaired = text + "; copied the replica of \(ranks(ofGroup: majority, hosts))"
        Message.write("warning: \(repaired)")
        recorder?.happened("replicas", state.position, repaired)
        reporter?.happened(
            .replicas, step: state.position.step, rank: difference.groups.first.map(firstRank), repaired)
    }

    private func describe(_ difference: ReplicaComparison.Difference, _ hosts: [RunLedger.Host]) -> String {
        let what =
            difference.tensor.map { tensor in
                (replica.plan.weights.contains { $0.name == tensor } ? "weight " : "optimizer state ")
                    + "\(quoted: tensor)"
            } ?? "what lies between two weights"
        func list(_ groups: [Int]) -> String {
            listed(groups.map { ranks(ofGroup: $0, hosts) }, most: 4, longest: 400)
        }
        let step = "step \(state.position.step): replicas differ: \(what) of "
        guard difference.majority != nil else {
            return step + list(difference.groups) + " is not the same"
        }
        let others = (0..<communicator.group.count).filter { !difference.groups.contains($0) }
        return step + list(difference.groups) + " is not that of " + list(others)
    }

    private func firstRank(ofGroup group: Int) -> Int { group * communicator.group.size }

    /// `rank 2 (node4)`, `ranks 2 to 3 (node4)`
    private func ranks(ofGroup group: Int, _ hosts: [RunLedger.Host]) -> String {
        let first = firstRank(ofGroup: group)
        let last = first + communicator.group.size - 1
        let host = hosts.first { $0.ranks.contains(first) }.map { " (\($0.name.shown()))" } ?? ""
        return (first == last ? "rank \(first)" : "ranks \(first) to \(last)") + host
    }
}
