import CVectorLoops
import MIOBase
import MIOComm
import MIOPlan

/// Compares the replicas of groups that do not share memory: weights, moving statistics, optimizer state.
///
/// All have the same bits, because sums between groups have. Each rank takes the digest of a part of its group's memory; ranks with the
/// same place in their groups compare. A comparison allocates nothing.
package final class ReplicaComparison {
    /// Replicas that differ; the same on all ranks.
    package struct Difference: Sendable, Hashable {
        /// The first tensor that differs: `kind/kernel`, `m/kind/kernel`; `nil` if what lies between tensors does.
        package let tensor: String?
        /// Groups whose replicas are not those of most others; all if no replica is that of most.
        package let groups: [Int]
        /// A group that has the majority's replica; `nil` without a majority.
        package let majority: Int?
    }

    private struct Slab {
        let storage: Storage<Float>
        let tensors: [(name: String, range: Range<Int>)]
    }

    private let slabs: [Slab]
    private let communicator: any Communicator
    /// Two numbers of each group: the halves of a digest, which doubles hold exactly.
    private let rows: Storage<Double>
    private static let numbersOfDigest = 2
    private static let bytesOfPiece = 1 << 20

    package init(plan: Plan, memory: TrainingMemory, stateNames: [String], communicator: any Communicator) {
        func tensors(_ plans: [Plan.WeightPlan], _ prefix: String) -> [(name: String, range: Range<Int>)] {
            plans.sorted { $0.index < $1.index }.map { (prefix + $0.name, $0.range) }
        }
        let trained = plan.weights.filter(\.trainable)
        slabs =
            [Slab(storage: memory.weights, tensors: tensors(plan.weights, ""))]
            + zip(memory.slots, stateNames).map { slot, name in
                Slab(storage: slot, tensors: tensors(trained, name + "/"))
            }
        self.communicator = communicator
        rows = Storage(count: Self.numbersOfDigest * communicator.group.count)
    }

    /// Whether there is more than one replica.
    package var hasSeveral: Bool { communicator.group.count > 1 }

    /// Whether all replicas are equal; the same on all ranks, which call it together, between two steps.
    /// - Throws: `CommunicationError`
    package func areEqual() throws(CommunicationError) -> Bool {
        let group = communicator.group
        var digest: UInt64 = 0
        var first = 0
        for slab in slabs {
            let part = (0..<slab.storage.count).share(of: group.rank, among: group.size, unit: 16)
            digest &+= mio_digest(
                part.count, UInt64(first + part.lowerBound), slab.storage.pointer + part.lowerBound)
            first += slab.storage.count
        }
        let own = rows.pointer + Self.numbersOfDigest * group.index
        own[0] = Double(digest >> 32)
        own[1] = Double(digest & 0xFFFF_FFFF)
        try communicator.gatherBetweenGroups(rows.pointer, count: Self.numbersOfDigest)
        var differs = 0.0
        for index in Self.numbersOfDigest..<rows.count
        where rows.pointer[index] != rows.pointer[index % Self.numbersOfDigest] { differs = 1 }
        // The other ranks of a group have looked at other parts.
        return try (group.size == 1 ? differs : communicator.allreduceMax(differs)) == 0
    }

    /// Looks at each tensor. All ranks call it together, after `areEqual` was false.
    /// - Throws: `CommunicationError`
    package func difference() throws(CommunicationError) -> Difference {
        let group = communicator.group
        let digests = try communicator.allgather(
            group.rank == 0 ? [UInt8](littleEndian: tensorDigests()) : [])
        let replicas = (0..<group.count).map { digests[$0 * group.size].littleEndianWords }
        let names = slabs.flatMap { $0.tensors.map(\.name) }
        let tensor = names.indices.first { index in
            replicas.contains { $0[index] != replicas[0][index] }
        }
        guard let tensor else {
            return Difference(tensor: nil, groups: Array(replicas.indices), majority: nil)
        }
        let majority = replicas.indices.first { index in
            2 * replicas.count(where: { $0 == replicas[index] }) > replicas.count
        }
        return Difference(
            tensor: names[tensor],
            groups: replicas.indices.filter { index in
                majority.map { replicas[$0] != replicas[index] } ?? true
            }, majority: majority)
    }

    private func tensorDigests() -> [UInt64] {
        slabs.flatMap { slab in
            slab.tensors.map { mio_digest($0.range.count, 0, slab.storage.pointer + $0.range.lowerBound) }
        }
    }

    /// Gives all groups a copy of one's replica. All ranks call it together.
    /// - Throws: `CommunicationError`
    package func copy(fromGroup source: Int) throws(CommunicationError) {
        let group = communicator.group
        let piece = Storage<Float>(count: Self.bytesOfPiece / MemoryLayout<Float>.stride)
        for slab in slabs {
            var start = 0
            while start < slab.storage.count {
                let count = min(piece.count, slab.storage.count - start)
                let place = slab.storage.pointer + start
                if group.index == source { piece.pointer.update(from: place, count: count) }
                try communicator.broadcast(
                    UnsafeMutableRawBufferPointer(
                        UnsafeMutableBufferPointer(start: piece.pointer, count: count)),
                    root: source * group.size)
                if group.index != source, group.rank == 0 { place.update(from: piece.pointer, count: count) }
                start += count
            }
        }
        // Nobody computes with a replica before it is whole.
        try communicator.barrier()
    }
}
