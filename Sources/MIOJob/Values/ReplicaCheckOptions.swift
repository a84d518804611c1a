import MIOConfig

/// What becomes of replicas that differ.
public enum ReplicaRepair: String, CaseIterable, Hashable, Sendable {
    /// All go back to the newest checkpoint and train again from there: the run ends with the weights of an undisturbed one.
    case rollback
    /// Those that differ get a copy of the majority's, and the run goes on: steps before may have used what differed. Without a
    /// majority, as of two replicas, all go back.
    case copy
}

/// How replicas on several machines are compared: `training.replica_check` of a job file.
///
/// The ranks of a machine share one replica; there is nothing to compare where all ranks share one. A checkpoint is only written
/// of equal replicas.
public struct ReplicaCheckOptions: Hashable, Sendable {
    /// Steps from one comparison of weights, moving statistics and optimizer state to the next; 0 compares nothing.
    public var everySteps: Int
    /// What becomes of a difference: all replicas go back to the newest checkpoint, or those that differ get a copy of the majority's.
    public var repair: ReplicaRepair

    /// As `training.replica_check` of a job, with its defaults.
    public init(everySteps: Int = 1000, repair: ReplicaRepair = .rollback) {
        self.everySteps = everySteps
        self.repair = repair
    }

    init(reading reader: inout ConfigReader) throws(ConfigError) {
        everySteps = try reader.integer("every_steps", default: 1000, atLeast: 0)
        repair = try reader.choice("repair", default: .rollback)
        try reader.finish()
    }

    var config: ConfigDictionary {
        ["every_steps": .integer(everySteps), "repair": .string(repair.rawValue)]
    }
}
