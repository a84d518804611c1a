import Foundation
import MIOBase
import MIOFiles
import MIOSystem

/// The file `lease`: who supervises a run. The supervisor counts `beats` up every few seconds.
///
/// A lease is *live* until it is released, until its process is seen to be gone on this machine, or until its beats have
/// stood still for `mostSilentSeconds` by the reader's own clock: clocks of two machines are never compared.
package struct Lease: Codable, Hashable, Sendable {
    /// 1 for a run's first supervisor; each later one has a larger number, which nobody else has.
    package var generation: Int
    package var holder: ProcessName
    package var user: String?
    /// The attempt under way; 0 before the first.
    package var attempt: Int
    package var began: Timestamp
    package var heartbeat: Timestamp
    package var beats: Int
    /// The batch system's job that the holder belongs to.
    package var batchJob: BatchJob?
    /// The progress board of the ranks under way, on the holder's machine.
    package var board: String?
    /// Files of shared memory that the ranks under way have open, on the holder's machine.
    package var sharedMemory: [String]?
    /// The process that has started the ranks, on the holder's machine.
    package var launcher: Int?
    /// The holder has given it up.
    package var isReleased: Bool

    package static let beatSeconds = 2.0
    package static let mostSilentSeconds = 15.0

    package init(
        generation: Int, holder: ProcessName = .own, user: String? = nil, attempt: Int = 0,
        began: Timestamp = .now, heartbeat: Timestamp = .now, beats: Int = 0, isReleased: Bool = false,
        batchJob: BatchJob? = .current
    ) {
        self.batchJob = batchJob
        self.generation = generation
        self.holder = holder
        self.user = user
        self.attempt = attempt
        self.began = began
        self.heartbeat = heartbeat
        self.beats = beats
        self.isReleased = isReleased
    }

    enum CodingKeys: String, CodingKey {
        case generation, holder, user, attempt, began, heartbeat, beats, board, launcher
        case isReleased = "released"
        case batchJob = "batch_job"
        case sharedMemory = "shared_memory"
    }

    /// What one look tells.
    package enum Life: Hashable, Sendable {
        case live, gone
        /// Of another machine: whether it beats must be watched.
        case unknown
    }

    package var life: Life {
        if isReleased { return .gone }
        return switch holder.isAlive {
        case true: .live
        case false: .gone
        case nil: .unknown
        }
    }

    /// Whether a job that begins now has the run, whatever the holder does: the batch system has begun the holder's job anew.
    package func isSuperseded(by job: BatchJob?) -> Bool {
        guard let job, let batchJob else { return false }
        return job.follows(batchJob)
    }

    /// As a message names it.
    package var text: String { "\(holder.text), since \(began)" }
}

extension RunFolder {
    /// The newest lease; `nil` if nobody has supervised the run yet.
    /// - Throws: `FileError`
    package func lease() throws(FileError) -> Lease? { try FolderJSON.read(Lease.self, from: leasePath) }
}
