import MIOBase
import MIOGraph
import MIOJob
import MIOMachine

/// The least memory that a model takes, from its shapes alone: a lower bound of `MemoryNeed`.
///
/// It is known before the data is read, before a plan is made, and before a library is asked for anything: a library
/// that gets no memory ends the process.
package struct ModelMemory: Sendable {
    /// Bytes that the ranks of a machine share: weights and optimizer state.
    package let shared: Int
    /// Bytes of each rank: gradients, and the values around the largest call for one sample.
    package let ofRank: Int
    /// Bytes of a checkpoint in rank 0's memory.
    package let checkpoint: Int
    /// The layer that takes the most: its name, its class, and its bytes.
    private let largest: (name: String, className: String, bytes: Int)?

    /// - Parameter trains: whether there are gradients and optimizer state.
    package init(_ job: Job, trains: Bool) {
        let graph = job.graph
        let float = MemoryLayout<Float>.size
        let slots = trains ? job.optimizer.stateNames.count : 0
        var (shared, gradients, checkpoint) = (0, 0, 0)
        var ofLayer = [Int](repeating: 0, count: graph.layers.count)
        for (index, entry) in graph.layers.enumerated() {
            let weights = entry.weights.reduce(0) { $0.clampedPlus($1.shape.count) }.clampedTimes(float)
            let isTrained = trains && entry.isTrained
            let copies = isTrained ? slots + 1 : 1
            shared = shared.clampedPlus(weights.clampedTimes(copies))
            if isTrained { gradients = gradients.clampedPlus(weights) }
            if trains { checkpoint = checkpoint.clampedPlus(weights.clampedTimes(copies)) }
            ofLayer[index] = weights.clampedTimes(trains ? 2 * copies + (isTrained ? 1 : 0) : 1)
        }
        var mostValues = 0
        for node in graph.nodes {
            let values = node.inputs.reduce(node.shape.count) {
                $0.clampedPlus(graph.spec(of: $1).shape.count)
            }
            .clampedTimes(float)
            mostValues = max(mostValues, values)
            ofLayer[node.layer] = ofLayer[node.layer].clampedPlus(node.shape.count.clampedTimes(float))
        }
        self.shared = shared
        ofRank = gradients.clampedPlus(mostValues)
        self.checkpoint = checkpoint
        largest = ofLayer.indices.max { ofLayer[$0] < ofLayer[$1] }.map { index in
            let entry = graph.layers[index]
            return (entry.name, type(of: entry.layer).className, ofLayer[index])
        }
    }

    /// - Parameters:
    ///   - ranks: on this machine.
    ///   - machine: the memory that they have together.
    ///   - process: the memory that this one may have; `nil` for no limit of its own.
    /// - Throws: `RunError` with exit code 74 if that is less than the model takes, which names the largest layer.
    package func verify(
        ranks: Int, machine: MemoryLimit = .machine, process: MemoryLimit? = .process
    ) throws {
        let together = shared.clampedPlus(ranks.clampedTimes(ofRank)).clampedPlus(checkpoint)
        let alone = shared.clampedPlus(ofRank).clampedPlus(checkpoint)
        let most = largest.map {
            ", most of it by layer \(quoted: $0.name) (\($0.className)), \(byteText($0.bytes))"
        }
        for (needed, limit) in [(together, machine), (alone, process)] {
            guard let limit, needed > limit.bytes else { continue }
            throw RunError(
                "the model takes at least \(byteText(needed)) of memory" + (most ?? "") + "; \(limit.text); "
                    + "make the layer smaller, or take a machine with more memory",
                exitCode: .inputOutput)
        }
    }
}
