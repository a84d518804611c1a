import MIOBase
import MIOComm
import MIOConfig
import MIOFormats
import MIOPlan
import MIORecords
import MIOTraining

/// Takes a replica's state out in canonical form, and puts it back: at any number of ranks.
///
/// One buffer for every tensor, made once: a snapshot may only be taken when the one before it is written.
final class Snapshot {
    private let replica: Replica
    private let optimizer: OptimizerState
    private let plans: [Plan.WeightPlan]
    private let weights: [NamedTensor]
    private let weightBuffers: [Storage<Float>]
    private let slots: [NamedTensor]
    private let slotBuffers: [Storage<Float>]
    private let trained: [Plan.WeightPlan]
    /// The weights of the best epoch, once `keepBest` was called.
    private(set) var best: [NamedTensor] = []
    private var bestBuffers: [Storage<Float>] = []
    private var hasTakenBest = false

    init(replica: Replica, optimizer: OptimizerState) {
        self.replica = replica
        self.optimizer = optimizer
        plans = replica.plan.weights.sorted { $0.index < $1.index }
        trained = plans.filter(\.trainable)
        weightBuffers = plans.map { Storage(count: $0.shape.count) }
        weights = zip(plans, weightBuffers).map {
            NamedTensor(name: $0.name, shape: $0.shape, storage: $1)
        }
        let names = optimizer.optimizer.stateNames
        let slotPlans = trained
        slotBuffers = names.flatMap { _ in slotPlans.map { Storage(count: $0.shape.count) } }
        let slotTensors = names.flatMap { name in
            slotPlans.map { (name: "\(name)/\($0.name)", shape: $0.shape) }
        }
        slots = zip(slotTensors, slotBuffers).map { NamedTensor(name: $0.name, shape: $0.shape, storage: $1) }
    }

    /// The model's fingerprint.
    var model: [StoredWeight] {
        plans.map { StoredWeight(name: $0.name, shape: $0.shape) }
    }

    /// Copies everything out.
    /// - Precondition: the checkpoint of the last call has been written.
    func take(
        position: TrainingPosition, seed: UInt64, jobName: String, worldSize: Int, state: ConfigValue,
        logs: [String: Double] = [:]
    ) -> Checkpoint {
        copyWeights()
        for (slot, slab) in optimizer.slots.enumerated() {
            for (index, plan) in trained.enumerated() {
                replica.executor.copy(
                    plan, of: slab.pointer, to: slotBuffers[slot * trained.count + index].pointer)
            }
        }
        return Checkpoint(
            mioVersion: mioVersion, step: position.step, epoch: position.epoch, position: position.position,
            seed: Int(bitPattern: UInt(seed)), jobName: jobName, worldSize: worldSize, state: state,
            logs: logs, weights: weights, optimizer: slots, best: best)
    }

    /// The weights alone, as the last step left them.
    func takeCurrentWeights() -> [NamedTensor] {
        copyWeights()
        return weights
    }

    /// The weights alone, as the finished model: with a moving average that of each trained weight, as Keras has it at the
    /// end of `fit`.
    func takeWeights() -> [NamedTensor] {
        copyWeights()
        guard !hasTakenBest, let average = optimizer.average else { return weights }
        for (plan, buffer) in zip(plans, weightBuffers) where plan.trainable {
            replica.executor.copy(plan, of: average.pointer, to: buffer.pointer)
        }
        return weights
    }

    // MARK: The best epoch

    /// Keeps the weights as they are as those of the best epoch.
    /// - Precondition: the checkpoint of the last `take` has been written.
    func keepBest() {
        makeBestBuffers()
        copyWeights(to: bestBuffers)
    }

    /// Takes the best epoch's weights from a checkpoint, which may have none.
    /// - Throws: `FormatError`
    func restoreBest(_ checkpoint: StoredCheckpoint) throws {
        guard let file = checkpoint.best else {
            // Where a run goes back, there may be those of a later epoch.
            best = []
            bestBuffers = []
            return
        }
        makeBestBuffers()
        for (plan, buffer) in zip(plans, bestBuffers) {
            let tensor = try file.tensor(named: plan.name)
            guard tensor.shape == plan.shape else {
                throw FormatError(
                    file: file.path, tensor: plan.name, expected: "shape \(plan.shape)",
                    received: "\(tensor.shape)")
            }
            buffer.pointer.update(from: tensor.values, count: buffer.count)
        }
    }

    /// Makes the best epoch's weights the replica's, if there are any; no moving average takes their place then.
    func takeBest() {
        hasTakenBest = !best.isEmpty
        for (plan, tensor) in zip(plans, best) {
            replica.executor.setCanonical(
                Tensor(shape: tensor.shape, values: Array(tensor.values)), plan,
                in: replica.executor.weights)
        }
    }

    private func makeBestBuffers() {
        guard bestBuffers.isEmpty else { return }
        bestBuffers = plans.map { Storage(count: $0.shape.count) }
        best = zip(plans, bestBuffers).map {
            NamedTensor(name: $0.name, shape: $0.shape, storage: $1)
        }
    }

    private func copyWeights() { copyWeights(to: weightBuffers) }

    private func copyWeights(to buffers: [Storage<Float>]) {
        for (plan, buffer) in zip(plans, buffers) {
            replica.executor.copy(plan, of: replica.executor.weights.pointer, to: buffer.pointer)
        }
    }

    /// Puts a checkpoint's tensors back.
    /// - Parameter slots: whether the optimizer's too; they stay zero otherwise.
    /// - Precondition: the checkpoint has passed `CheckpointFit.verify`.
    func restore(_ checkpoint: StoredCheckpoint, withSlots slots: Bool) throws {
        for plan in plans {
            try restore(
                plan, named: plan.name, from: checkpoint.weights, to: replica.executor.weights)
        }
        guard slots else { return }
        for (name, slab) in zip(optimizer.optimizer.stateNames, optimizer.slots) {
            for plan in trained {
                try restore(
                    plan, named: "\(name)/\(plan.name)", from: checkpoint.optimizer, to: slab)
            }
        }
    }

    /// - Parameters:
    ///   - weight: of a variable's name.
    ///   - slot: of the name of an optimizer's variable; `nil` for one that keeps its first value.
    func restore(weight: (String) -> Tensor?, slot: (String) -> Tensor?) {
        for plan in plans {
            guard let tensor = weight(plan.name) else {
                preconditionFailure("no values for \(plan.name)")
            }
            replica.executor.setCanonical(tensor, plan, in: replica.executor.weights)
        }
        for (name, slab) in zip(optimizer.optimizer.stateNames, optimizer.slots) {
            for plan in trained {
                guard let tensor = slot("\(name)/\(plan.name)") else { continue }
                replica.executor.setCanonical(tensor, plan, in: slab)
            }
        }
    }

    /// Puts the values of files in the place of those that are there.
    func set(_ start: StartingValues) {
        for plan in plans {
            guard let tensor = start.weights[plan.name] else { continue }
            replica.executor.setCanonical(tensor, plan, in: replica.executor.weights)
        }
        for (name, slab) in zip(optimizer.optimizer.stateNames, optimizer.slots) {
            for plan in trained {
                guard let tensor = start.slots["\(name)/\(plan.name)"] else { continue }
                replica.executor.setCanonical(tensor, plan, in: slab)
            }
        }
    }

    private func restore(
        _ plan: Plan.WeightPlan, named name: String, from file: SafetensorsFile,
        to slab: Storage<Float>
    ) throws {
        let tensor = try file.tensor(named: name)
        guard tensor.shape == plan.shape else {
            throw FormatError(
                file: file.path, tensor: name, expected: "shape \(plan.shape)",
                received: "\(tensor.shape)")
        }
        replica.executor.setCanonical(tensor, plan, in: slab)
    }

    /// Gives every rank rank 0's weights and slots: every group, whose ranks share them.
    /// - Throws: `CommunicationError`
    func broadcast(_ communicator: any Communicator) throws {
        for slab in [replica.executor.weights] + optimizer.slots {
            try communicator.broadcastBetweenGroups(UnsafeMutableRawBufferPointer(slab.buffer))
        }
    }
}
