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
    private let parameters: [Plan.ParameterPlan]
    private let weights: [NamedTensor]
    private let weightBuffers: [Storage<Float>]
    private let slots: [NamedTensor]
    private let slotBuffers: [Storage<Float>]
    private let trained: [Plan.ParameterPlan]
    /// The weights of the best epoch, once `keepBest` was called.
    private(set) var best: [NamedTensor] = []
    private var bestBuffers: [Storage<Float>] = []

    init(replica: Replica, optimizer: OptimizerState) {
        self.replica = replica
        self.optimizer = optimizer
        parameters = replica.plan.parameters.sorted { $0.index < $1.index }
        trained = parameters.filter(\.trainable)
        weightBuffers = parameters.map { Storage(count: $0.shape.count) }
        weights = zip(parameters, weightBuffers).map {
            NamedTensor(name: $0.name, shape: $0.shape, storage: $1)
        }
        let names = optimizer.optimizer.slotNames
        let slotParameters = trained
        slotBuffers = names.flatMap { _ in slotParameters.map { Storage(count: $0.shape.count) } }
        let slotTensors = names.flatMap { name in
            slotParameters.map { (name: "\(name)/\($0.name)", shape: $0.shape) }
        }
        slots = zip(slotTensors, slotBuffers).map { NamedTensor(name: $0.name, shape: $0.shape, storage: $1) }
    }

    /// The model's fingerprint.
    var model: [ParameterDescription] {
        parameters.map { ParameterDescription(name: $0.name, shape: $0.shape) }
    }

    /// Copies everything out.
    /// - Precondition: the checkpoint of the last call has been written.
    func take(
        position: TrainingPosition, seed: UInt64, jobName: String, worldSize: Int, state: ConfigValue
    ) -> Checkpoint {
        copyWeights()
        for (slot, slab) in optimizer.slots.enumerated() {
            for (index, parameter) in trained.enumerated() {
                replica.executor.copy(
                    parameter, of: slab.pointer, to: slotBuffers[slot * trained.count + index].pointer)
            }
        }
        return Checkpoint(
            mioVersion: mioVersion, step: position.step, epoch: position.epoch, position: position.position,
            seed: Int(bitPattern: UInt(seed)), jobName: jobName, worldSize: worldSize, state: state,
            weights: weights, optimizer: slots, best: best)
    }

    /// The weights alone, as the finished model.
    func takeWeights() -> [NamedTensor] {
        copyWeights()
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
        guard let file = checkpoint.best else { return }
        makeBestBuffers()
        for (parameter, buffer) in zip(parameters, bestBuffers) {
            let tensor = try file.tensor(named: parameter.name)
            guard tensor.shape == parameter.shape else {
                throw FormatError(
                    file: file.path, tensor: parameter.name, expected: "shape \(parameter.shape)",
                    received: "\(tensor.shape)")
            }
            buffer.pointer.update(from: tensor.values, count: buffer.count)
        }
    }

    /// Makes the best epoch's weights the replica's, if there are any.
    func takeBest() {
        for (parameter, tensor) in zip(parameters, best) {
            replica.executor.setCanonical(
                Tensor(shape: tensor.shape, values: Array(tensor.values)), parameter,
                in: replica.executor.weights)
        }
    }

    private func makeBestBuffers() {
        guard bestBuffers.isEmpty else { return }
        bestBuffers = parameters.map { Storage(count: $0.shape.count) }
        best = zip(parameters, bestBuffers).map {
            NamedTensor(name: $0.name, shape: $0.shape, storage: $1)
        }
    }

    private func copyWeights() { copyWeights(to: weightBuffers) }

    private func copyWeights(to buffers: [Storage<Float>]) {
        for (parameter, buffer) in zip(parameters, buffers) {
            replica.executor.copy(parameter, of: replica.executor.weights.pointer, to: buffer.pointer)
        }
    }

    /// Puts a checkpoint's tensors back.
    /// - Parameter slots: whether the optimizer's too; they stay zero otherwise.
    /// - Precondition: the checkpoint has passed `CheckpointFit.verify`.
    func restore(_ checkpoint: StoredCheckpoint, withSlots slots: Bool) throws {
        for parameter in parameters {
            try restore(
                parameter, named: parameter.name, from: checkpoint.weights, to: replica.executor.weights)
        }
        guard slots else { return }
        for (name, slab) in zip(optimizer.optimizer.slotNames, optimizer.slots) {
            for parameter in trained {
                try restore(
                    parameter, named: "\(name)/\(parameter.name)", from: checkpoint.optimizer, to: slab)
            }
        }
    }

    /// - Parameters:
    ///   - weight: of a variable's name.
    ///   - slot: of the name of an optimizer's variable; `nil` for one that keeps its first value.
    func restore(weight: (String) -> Tensor?, slot: (String) -> Tensor?) {
        for parameter in parameters {
            guard let tensor = weight(parameter.name) else {
                preconditionFailure("no values for \(parameter.name)")
            }
            replica.executor.setCanonical(tensor, parameter, in: replica.executor.weights)
        }
        for (name, slab) in zip(optimizer.optimizer.slotNames, optimizer.slots) {
            for parameter in trained {
                guard let tensor = slot("\(name)/\(parameter.name)") else { continue }
                replica.executor.setCanonical(tensor, parameter, in: slab)
            }
        }
    }

    private func restore(
        _ parameter: Plan.ParameterPlan, named name: String, from file: SafetensorsFile,
        to slab: Storage<Float>
    ) throws {
        let tensor = try file.tensor(named: name)
        guard tensor.shape == parameter.shape else {
            throw FormatError(
                file: file.path, tensor: name, expected: "shape \(parameter.shape)",
                received: "\(tensor.shape)")
        }
        replica.executor.setCanonical(tensor, parameter, in: slab)
    }

    /// Gives every rank rank 0's weights and slots: every group, whose ranks share them.
    /// - Throws: `CommunicationError`
    func broadcast(_ communicator: any Communicator) throws {
        for slab in [replica.executor.weights] + optimizer.slots {
            try communicator.broadcastBetweenGroups(UnsafeMutableRawBufferPointer(slab.buffer))
        }
    }
}
