import MIOBase
import MIOComm
import MIOGraph
import MIOObjectives
import MIOOptimizers
import MIOPlan

/// The slabs of a training: weights and optimizer state once for all ranks of a group, gradients for each of them.
///
/// Each rank updates its slices of the weights where all see them: nothing is sent back.
package final class TrainingMemory {
    package let weights: Storage<Float>
    /// One slab a slot, laid out like the gradients.
    package let slots: [Storage<Float>]
    package let partition: GradientPartition
    let reduction: GradientReduction.Memory
    /// One a block of the partition for the regularizers' terms; none without regularizers.
    let penalties: Storage<Double>
    private let group: RankGroup

    /// This rank's.
    package var gradients: Storage<Float> { reduction.gradients[group.rank] }

    /// All ranks call it, with equal plans.
    /// - Throws: `AgreedError` if a rank cannot have the memory; `CommunicationError`.
    package init(
        plan: Plan, graph: Graph, outputs: [OutputSpecification], optimizer: any Optimizer,
        communicator: any Communicator
    ) throws {
        group = communicator.group
        let trained = plan.weights.filter(\.trainable)
        partition = GradientPartition(
            weights: trained.map(\.range),
            buckets: plan.buckets.map { bucket in trained.count { bucket.range.contains($0.offset) } },
            ranks: group.size)
        var layout = SharedLayout()
        let places = GradientReduction.Memory.Places(
            in: &layout, group: group, partition: partition, elements: plan.trainedElements,
            numbers: ControlNumbers(graph.outputSumCounts(outputs), graph).count
                + plan.batchSumCount)
        let weightPlace = layout.place(Float.self, count: plan.weightElements)
        let slotPlaces = optimizer.stateNames.map { _ in
            layout.place(Float.self, count: plan.trainedElements)
        }
        let penaltyPlace = layout.place(
            Double.self, count: graph.hasWeightRegularizers ? partition.blocks.count : 0)
        let memory = try communicator.shareMemory(byteCount: layout.byteCount)
        reduction = GradientReduction.Memory(memory, at: places)
        weights = memory.storage(weightPlace)
        penalties = memory.storage(penaltyPlace)
        slots = slotPlaces.map { memory.storage($0) }
    }
}
