import MIOBase
import MIOComm
import MIOJob
import MIOTraining

extension Job {
    /// How its batches are cut on so many ranks.
    /// - Parameter lanes: of each rank.
    /// - Throws: `RunError` for a strict run on a number of ranks that it cannot have.
    package func shards(rank: Int, worldSize: Int, lanes: Int) throws(RunError) -> VirtualShards {
        guard training.reproducible == .strict else {
            return VirtualShards(total: worldSize * lanes, rank: rank, worldSize: worldSize)
        }
        let total = training.virtualShards
        guard worldSize & (worldSize - 1) == 0, worldSize <= total else {
            throw RunError(
                "training.reproducible: strict needs a number of ranks that is a power of two, at most "
                    + "training.virtual_shards (\(total)); this run has \(worldSize) ranks",
                exitCode: .badInput)
        }
        return VirtualShards(total: total, rank: rank, worldSize: worldSize)
    }

    /// How its gradients travel between groups of ranks.
    var sumBetweenGroups: SumBetweenGroups {
        switch communication.compression {
        // A job is not strict then.
        case .bfloat16: .bfloat16
        case .uncompressed: training.reproducible == .strict ? .tree : .any
        }
    }
}
