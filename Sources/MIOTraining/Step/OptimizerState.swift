import CVectorLoops
import MIOBase
import MIOComm
import MIOOptimizers
import MIOPlan
import MIOThreads

/// The optimizer at work on a rank's slices of the slabs: its slots, its count of updates, clipping.
package final class OptimizerState {
    package let optimizer: any Optimizer
    /// One slab a slot, laid out like the gradients, the moving average's last; the group's.
    package let slots: [Storage<Float>]
    /// Updates done so far: Keras' `iterations`.
    @exclusivity(unchecked) package var updates = 0
    /// How many updates were done when the slots were zero: not 0 after a continuation that trains other weights.
    @exclusivity(unchecked) package var slotsStart = 0
    /// Of the optimizer's options, which it makes a copy of whenever it is asked.
    private let schedule: any Schedule
    private let clips: Bool
    private let movingAverage: MovingAverage?
    private let trained: [Plan.WeightPlan]
    private let memory: TrainingMemory
    /// What this rank updates.
    private let runs: [GradientPartition.Block]
    private let ownElements: Int
    private let isShared: Bool
    /// Elements: of more than the second-level cache holds the first would be lost before they are written.
    private static let mostClaimed = 1 << 17
    private let weightOfBlock: [Int]
    private let squaredNorms: Storage<Double>
    private let scales: Storage<Double>
    // Of the update at hand, and what a member of a team does of it: made once, because each would be an allocation.
    @exclusivity(unchecked) private var scalars: UpdateScalars
    @exclusivity(unchecked) private var averageStep: MovingAverage.Step?
    @exclusivity(unchecked) private var members = 1
    @exclusivity(unchecked) private var updatePart: (Int) -> Void = { _ in }

    package init(
        _ optimizer: any Optimizer, plan: Plan, memory: TrainingMemory, communicator: any Communicator
    ) {
        self.optimizer = optimizer
        self.memory = memory
        slots = memory.slots
        schedule = optimizer.options.learningRate
        trained = plan.weights.filter(\.trainable)
        let runs = memory.partition.runs(ofRank: communicator.group.rank)
        // Weights matter only where each is scaled on its own.
        clips = optimizer.options.clipping.needsNorms
        movingAverage = optimizer.options.average
        if communicator.group.rank == 0 {
            for (slot, first) in zip(slots, optimizer.firstStateValues) where first != 0 {
                slot.fill(Float(first))
            }
        }
        self.runs = clips ? runs : runs.joined
        ownElements = runs.reduce(0) { $0 + $1.range.count }
        isShared = communicator.group.size > 1
        weightOfBlock = memory.partition.blocks.map(\.weight)
        squaredNorms = Storage(count: trained.count)
        scales = Storage(count: trained.count)
        scalars = optimizer.makeUpdate(step: 0)
        updatePart = { [unowned self] in update(part: $0) }
    }

    /// Gives all slots their first values again. One rank of a group calls it, while the others wait.
    package func resetSlots() {
        for slot in slots { slot.fill(0) }
        for (slot, first) in zip(slots, optimizer.firstStateValues) where first != 0 {
            slot.fill(Float(first))
        }
    }

    /// What a callback has set instead of the schedule; `nil` for the schedule's.
    @exclusivity(unchecked) package var setLearningRate: Double?

    /// The moving averages of the weights, laid out like the gradients; `nil` without any, and before the first update.
    package var average: Storage<Float>? {
        movingAverage == nil || updates == slotsStart ? nil : slots.last
    }

    /// The learning rate of the next update.
    package var learningRate: Double { setLearningRate ?? schedule.value(at: updates) }

    /// Bytes that an update reads and writes on this rank: weights, gradient and slots, once each, and all but the
    /// gradient back.
    package var bytesOfUpdate: Int { ownElements * (3 + 2 * slots.count) * MemoryLayout<Float>.stride }

    /// Claims this rank's slices of the weights, which the others have read in their forward passes and will not read
    /// again before they are changed. Call it when all have completed their gradients.
    func claimWeights() {
        guard isShared else { return }
        for run in runs where run.range.count <= Self.mostClaimed {
            mio_claim(run.range.count, memory.weights.pointer + run.range.lowerBound)
        }
    }

    /// Looks at the squares that the reduction has added up: whether every element of the gradient is finite. The
    /// same on all ranks, at any number of them.
    func inspect() -> Bool {
        squaredNorms.fill(0)
        let squares = memory.reduction.squares.pointer
        for (index, weight) in weightOfBlock.enumerated() {
            squaredNorms.pointer[weight] += squares[index]
        }
        // Not `allSatisfy`, whose key path is an allocation.
        for index in 0..<squaredNorms.count where !squaredNorms.pointer[index].isFinite { return false }
        return true
    }

    /// The weights whose gradient was not finite; for messages.
    func nonFiniteWeights() -> [String] {
        zip(trained, squaredNorms.buffer).filter { !$1.isFinite }.map(\.0.name)
    }

    /// Changes this rank's slices of the weights by the gradients, which `inspect` has seen.
    ///
    /// Moments below 1.2e-38 are zero, as in TensorFlow: those of a unit that no sample activates any more shrink into
    /// that range, stay there, and would make every update ten times slower.
    /// - Parameter team: whose members change a part each.
    func update(on team: ThreadTeam) {
        scalars = optimizer.makeUpdate(step: updates - slotsStart, learningRate: learningRate)
        averageStep = movingAverage?.step(updates: updates, start: slotsStart)
        if clips {
            optimizer.options.clipping.writeScales(
                squaredNorms: UnsafeBufferPointer(squaredNorms.buffer), to: scales.buffer)
        }
        members = ownElements < ThreadTeam.worthSharing ? 1 : team.count
        if members == 1 { update(part: 0) } else { team.run(updatePart) }
        updates += 1
    }

    /// Changes one of as many parts of each run as there are members.
    private func update(part: Int) {
        let mode = mio_flush_subnormals()
        defer { mio_restore_float_mode(mode) }
        for run in runs {
            let share = run.range.share(of: part, among: members, unit: 16)
            let offset = share.lowerBound
            optimizer.updateNative(
                ParameterRange(
                    count: share.count, weights: memory.weights.pointer + offset,
                    gradient: UnsafePointer(memory.gradients.pointer + offset),
                    slots: SlotPointers(slot(0, offset), slot(1, offset), slot(2, offset)),
                    gradientScale: clips ? scales.pointer[run.weight] : 1), with: scalars)
            guard let averageStep else { continue }
            MovingAverage.updateNative(
                count: share.count, weights: memory.weights.pointer + offset,
                average: slots[slots.count - 1].pointer + offset, averageStep)
        }
    }

    private func slot(_ index: Int, _ offset: Int) -> UnsafeMutablePointer<Float>? {
        index < slots.count ? slots[index].pointer + offset : nil
    }
}

extension [GradientPartition.Block] {
    /// Neighbours as one, of whatever weights.
    fileprivate var joined: [GradientPartition.Block] {
        reduce(into: []) { runs, next in
            if let last = runs.last, last.range.upperBound == next.range.lowerBound {
                runs[runs.count - 1] = GradientPartition.Block(
                    range: last.range.lowerBound..<next.range.upperBound, weight: last.weight)
            } else {
                runs.append(next)
            }
        }
    }
}
