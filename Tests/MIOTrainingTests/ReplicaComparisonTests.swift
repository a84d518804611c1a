import MIOBase
import MIOComm
import MIOKernels
import MIOOptimizers
import MIOPlan
import MIOTraining
import Testing

/// Replicas of ranks that share no memory: a bit that differs is found, named and repaired.
@Suite struct ReplicaComparisonTests {
    private struct Found: Sendable, Equatable {
        var wasEqual = false
        var seesDifference = false
        var difference: ReplicaComparison.Difference?
        var isEqualAfterCopy: Bool?
        var weights: [UInt32] = []

        var description: String {
            guard let difference else { return "none" }
            return "\(difference.tensor ?? "none"), groups \(difference.groups), majority "
                + (difference.majority.map(String.init) ?? "none")
        }
    }

    /// Flips a bit of an element on one rank, compares, and copies the majority's replica if there is one.
    /// - Parameters:
    ///   - slot: of the optimizer, instead of the weights.
    ///   - isLast: whether the last element of the tensor, and not its first.
    private func flip(
        bit: Int, of name: String, slot: Int? = nil, isLast: Bool = false, onRank rank: Int, ranks: Int,
        groupSize: Int = 1
    ) throws -> [Found] {
        try InProcessCommunicator.run(worldSize: ranks, groupSize: groupSize) { communicator in
            let model = try WorldSizeTests.model()
            let (outputs, optimizer) = (WorldSizeTests.outputs(), Adam())
            let plan = Plan(
                Replica.planRequest(graph: model.graph, outputs: outputs, pass: 4),
                backend: ReferenceBackend())
            let memory = try TrainingMemory(
                plan: plan, graph: model.graph, outputs: outputs, optimizer: optimizer,
                communicator: communicator)
            let replica = try Replica(
                graph: model.graph, outputs: outputs, backend: ReferenceBackend(), plan: plan, part: 4,
                memory: memory)
            if communicator.group.rank == 0 { replica.initializeWeights(seed: 3) }
            try communicator.barrier()
            let comparison = ReplicaComparison(
                plan: plan, memory: memory, stateNames: optimizer.stateNames, communicator: communicator)
            var found = Found(wasEqual: try comparison.areEqual())
            let weight = try #require(plan.weights.first { $0.name == name })
            if communicator.rank == rank {
                let slab = slot.map { memory.slots[$0] } ?? memory.weights
                let place = slab.pointer + (isLast ? weight.range.upperBound - 1 : weight.range.lowerBound)
                place.pointee = Float(bitPattern: place.pointee.bitPattern ^ (1 << UInt32(bit)))
            }
            try communicator.barrier()
            found.seesDifference = try !comparison.areEqual()
            let difference = try comparison.difference()
            found.difference = difference
            if let majority = difference.majority {
                try comparison.copy(fromGroup: majority)
                found.isEqualAfterCopy = try comparison.areEqual()
            }
            found.weights = memory.weights.buffer.map(\.bitPattern)
            return found
        }
    }

    @Test(arguments: [0, 1, 2], [0, 12, 30, 31]) func theMajorityIsCopied(rank: Int, bit: Int) throws {
        let found = try flip(bit: bit, of: "kind/kernel", isLast: bit % 2 == 0, onRank: rank, ranks: 3)
        for own in found {
            #expect(own.wasEqual && own.seesDifference && own.isEqualAfterCopy == true)
            #expect(
                own.description == "kind/kernel, groups [\(rank)], majority \(rank == 0 ? 1 : 0)")
            #expect(own.weights == found[0].weights)
        }
        let undisturbed = try flip(bit: 31, of: "kind/kernel", onRank: 9, ranks: 3)
        #expect(found[0].weights == undisturbed[0].weights)
    }

    @Test func stateOfTheOptimizerIsComparedToo() throws {
        let name = Adam().stateNames[1]
        let found = try flip(bit: 3, of: "box/bias", slot: 1, isLast: true, onRank: 2, ranks: 3)
        #expect(found[1].description == "\(name)/box/bias, groups [2], majority 0")
        #expect(found.allSatisfy { $0.isEqualAfterCopy == true })
    }

    @Test func twoReplicasHaveNoMajority() throws {
        for own in try flip(bit: 7, of: "trunk/kernel", onRank: 1, ranks: 2) {
            #expect(own.seesDifference)
            #expect(own.description == "trunk/kernel, groups [0, 1], majority none")
        }
    }

    /// Each rank of a group looks at a part: all ranks learn of it.
    @Test func ranksOfAGroupLookTogether() throws {
        let found = try flip(bit: 5, of: "box/kernel", isLast: true, onRank: 5, ranks: 6, groupSize: 2)
        for own in found {
            #expect(own.wasEqual && own.seesDifference && own.isEqualAfterCopy == true)
            #expect(own.description == "box/kernel, groups [2], majority 0")
        }
    }

    @Test func equalReplicasHaveNoDifference() throws {
        let found = try flip(bit: 0, of: "box/kernel", onRank: 9, ranks: 3)
        #expect(found.allSatisfy { $0.wasEqual && !$0.seesDifference && $0.difference?.tensor == nil })
    }
}
