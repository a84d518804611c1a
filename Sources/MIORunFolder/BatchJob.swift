import Foundation

/// The job of Slurm that a process belongs to, as its environment tells.
package struct BatchJob: Codable, Hashable, Sendable {
    /// The cluster's name, and the job's number there.
    package var id: String
    /// How often the job was put back into the queue.
    package var restarts: Int
    /// `sbatch --cpus-per-task`.
    package var coresPerTask: Int?

    package init?(environment: [String: String] = ProcessInfo.processInfo.environment) {
        guard let number = environment["SLURM_JOB_ID"], !number.isEmpty else { return nil }
        id = environment["SLURM_CLUSTER_NAME"].map { "\($0) \(number)" } ?? number
        restarts = environment["SLURM_RESTART_COUNT"].flatMap(Int.init) ?? 0
        coresPerTask = environment["SLURM_CPUS_PER_TASK"].flatMap(Int.init).flatMap { $0 > 0 ? $0 : nil }
    }

    /// The job's number alone.
    package var number: String { id.split(separator: " ").last.map(String.init) ?? id }

    /// Of this process; `nil` outside of Slurm.
    package static let current = Self()

    /// The name of this process' job of Slurm; `nil` outside of Slurm.
    package static var currentName: String? {
        current == nil ? nil : ProcessInfo.processInfo.environment["SLURM_JOB_NAME"]
    }

    /// Whether this is a job that was begun anew after `other`, which the batch system has given up: what is left of that must
    /// end.
    package func follows(_ other: Self) -> Bool { id == other.id && restarts > other.restarts }

    enum CodingKeys: String, CodingKey { case id, restarts }
}
