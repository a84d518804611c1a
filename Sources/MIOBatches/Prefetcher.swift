import MIOBase
import MIOThreads

/// Fills batches on a thread of its own, ahead of the thread that trains on them.
///
/// The user holds the current batch and may look at the one after it; both stay as they are until the next
/// call of ``next()``. In the steady state the user's side allocates nothing, takes no lock and makes no system
/// call but one to wake the other thread when half of the batches are used up.
///
/// Not Sendable: it belongs to the thread that steps.
package final class Prefetcher {
    /// Which batches, for whom.
    package struct Configuration: Hashable, Sendable {
        /// Samples of a global batch.
        package var batchSize: Int
        /// Where to begin: after a resume, the first batch that was not trained on.
        package var start: BatchPosition
        /// The epoch after the last.
        package var endEpoch: Int
        package var seed: UInt64
        package var shuffle: Bool
        package var rank: Int
        package var worldSize: Int
        /// Batches in memory: the current one, the following one, and those being filled. At least 3;
        /// `nil` for as many as ``usualDepth(batchBytes:)`` allows.
        package var depth: Int?

        package init(
            batchSize: Int, start: BatchPosition = BatchPosition(epoch: 0, batch: 0), endEpoch: Int,
            seed: UInt64 = 0, shuffle: Bool = true, rank: Int = 0, worldSize: Int = 1, depth: Int? = nil
        ) {
            self.batchSize = batchSize
            self.start = start
            self.endEpoch = endEpoch
            self.seed = seed
            self.shuffle = shuffle
            self.rank = rank
            self.worldSize = worldSize
            self.depth = depth
        }
    }

    /// Bytes that a ring of more than 3 batches may take, and the batches at most: enough that waking a thread
    /// (microseconds) is nothing beside filling half of the ring, and little enough to leave the caches alone.
    private static let ringBytes = 8 << 20
    private static let mostBatches = 32
    /// Time to fill half of the ring with small batches on a slow core: an end before that would be waited for.
    private static let nanosecondsOfTurn: UInt64 = 200_000

    /// As many batches as fit 8 MiB, but 3 at least and 32 at most.
    package static func usualDepth(batchBytes: Int) -> Int {
        max(3, min(mostBatches, ringBytes / max(batchBytes, 1)))
    }

    package let configuration: Configuration
    package let schedule: BatchSchedule
    private let ring: PrefetchRing
    private var thread: JoinableThread?
    /// The number of batches that ``next()`` has returned.
    private var taken = 0

    /// Starts to read at once.
    /// - Precondition: batch size, world size and depth are positive (depth at least 3), `start` is a batch
    ///   of the schedule or the end of an epoch, `rank` is in `0..<worldSize`.
    /// - Throws: `RunError` if no thread can be started.
    package init(dataset: any SampleSource, configuration: Configuration) throws {
        let schedule = BatchSchedule(rowCount: dataset.rowCount, batchSize: configuration.batchSize)
        precondition(
            configuration.start.epoch >= 0 && configuration.start.batch >= 0
                && configuration.start.batch <= schedule.batchesPerEpoch, "no batch \(configuration.start)")
        precondition(
            configuration.rank >= 0 && configuration.rank < configuration.worldSize,
            "rank \(configuration.rank) of \(configuration.worldSize)")
        self.configuration = configuration
        self.schedule = schedule
        let capacity = schedule.largestPart(worldSize: configuration.worldSize)
        let epochs = max(0, configuration.endEpoch - configuration.start.epoch)
        let (all, overflow) = epochs.multipliedReportingOverflow(by: schedule.batchesPerEpoch)
        let first = Batch(capacity: capacity, dataset: dataset)
        let depth = configuration.depth ?? Self.usualDepth(batchBytes: first.byteCount)
        let ring = PrefetchRing(
            batches: [first] + (1..<depth).map { _ in Batch(capacity: capacity, dataset: dataset) },
            total: overflow ? .max : max(0, all - configuration.start.batch))
        self.ring = ring
        dataset.expectReading(shuffled: configuration.shuffle)
        thread = try JoinableThread(named: "mio prefetch") {
            // Half of the ring lasts the other thread a fraction of a usual turn: this one must not wait for the end of it.
            askForTurns(ofNanoseconds: Self.nanosecondsOfTurn)
            Self.fillBatches(of: ring, from: dataset, configuration, schedule)
        }
    }

    deinit { stop() }

    /// The next batch, once it is filled; it is the current one until the next call. `nil` after the last.
    ///
    /// What ``following()`` returned becomes the current batch; the one before it is given back.
    /// - Throws: the error of a source that cannot be read any more, for the batch that needs it.
    package func next() throws -> Batch? {
        guard let batch = try ring.take(taken, releasing: taken) else { return nil }
        taken += 1
        return batch
    }

    /// The batch that the next call of ``next()`` will return, once it is filled. `nil` if the current one
    /// is the last.
    /// - Throws: as ``next()``.
    package func following() throws -> Batch? { try ring.take(taken, releasing: 0) }

    /// The seconds that ``next()`` and ``following()`` have waited for data, in all.
    package var waitedSeconds: Double { ring.waitedSeconds }

    /// Ends the thread, after the batch that it is filling. Also done when the last reference goes.
    package func stop() {
        ring.stop()
        thread.take()?.join()
    }

    private static func fillBatches(
        of ring: PrefetchRing, from dataset: any SampleSource, _ configuration: Configuration,
        _ schedule: BatchSchedule
    ) {
        func order(_ epoch: Int) -> Permutation {
            Permutation(
                count: dataset.rowCount, seed: configuration.seed, epoch: epoch,
                shuffle: configuration.shuffle)
        }
        var position = configuration.start
        var permutation = order(position.epoch)
        while let batch = ring.nextToFill() {
            if position.batch == schedule.batchesPerEpoch {
                position = BatchPosition(epoch: position.epoch + 1, batch: 0)
                permutation = order(position.epoch)
            }
            do {
                if position.batch == 0 || position == configuration.start { try dataset.checkUnchanged() }
            } catch {
                ring.fail(error)
                return
            }
            batch.fill(
                from: dataset, at: position, schedule: schedule, order: permutation,
                rank: configuration.rank, worldSize: configuration.worldSize)
            ring.didFill()
            position.batch += 1
        }
    }
}
