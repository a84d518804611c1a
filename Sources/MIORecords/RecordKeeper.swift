import MIOBase
import MIOThreads

/// What rank 0 of a run tells: events go to sinks, snapshots become checkpoints, both on threads of their
/// own, so that the step waits for neither.
///
/// One thread, the one that steps, calls it. Errors of the background are kept for `takeError()`, which the
/// training loop asks after each step. `close()` must be the last call; without it the threads stay.
package final class RecordKeeper: Sendable {
    private let kinds: [EventKind]
    private let mailbox: Mailbox
    private let events: EventThread
    private let checkpoints: CheckpointThread?
    private let errors = BackgroundErrors()

    /// Starts the threads.
    ///
    /// - Parameters:
    ///   - kinds: the events of each step and epoch; `post` names one by its place in this list.
    ///   - sinks: handed over: the record keeper's thread alone uses them, and closes them.
    ///   - store: `nil` for a run without checkpoints.
    ///   - capacity: events that may wait to be written before `post` waits.
    ///   - onCheckpoint: called when a checkpoint is on the disk, on the thread that wrote it.
    /// - Throws: `FileError` naming a value that has a reserved name or one used twice; `RunError`.
    package init(
        kinds: [EventKind], sinks: sending [any MetricSink], store: CheckpointStore?, capacity: Int = 1024,
        onCheckpoint: @escaping @Sendable (_ step: Int, _ seconds: Double) -> Void = { _, _ in }
    ) throws {
        for kind in kinds {
            var names = Set(RunEvent.reservedNames)
            for name in kind.names where !names.insert(name).inserted {
                throw FileError(
                    action: "log", path: "\(quoted: name) of the event \(quoted: kind.event)",
                    reason: "the name is used twice or is one of event, step, epoch; rename the output or "
                        + "the metric", exitCode: .badInput)
            }
        }
        self.kinds = kinds
        mailbox = Mailbox(
            capacity: capacity, valuesPerEntry: max(1, kinds.map(\.names.count).max() ?? 0))
        let events = try EventThread(mailbox: mailbox, kinds: kinds, sinks: sinks, errors: errors)
        do {
            checkpoints = try store.map { [errors] in
                try CheckpointThread(store: $0, errors: errors, onWrite: onCheckpoint)
            }
        } catch {
            mailbox.close()
            events.join()
            throw error
        }
        self.events = events
    }

    /// Hands numbers over, without allocating; waits only if `capacity` events wait already.
    ///
    /// - Parameters:
    ///   - kind: the place in the list given at the start.
    ///   - values: as many as the kind has names, in their order.
    package func post(_ kind: Int, step: Int, epoch: Int, values: UnsafeBufferPointer<Double>) {
        precondition(values.count == kinds[kind].names.count, "values without a name, or the reverse")
        mailbox.post(kind: kind, step: step, epoch: epoch, values: values)
    }

    /// Hands over an event of any kind; for rare ones, because it allocates.
    package func post(_ event: RunEvent) { mailbox.post(event) }

    /// Hands over a snapshot to be written in the background; if one is still being written this waits.
    ///
    /// The events posted before are on the disk before the checkpoint is, so that a run that continues from
    /// it finds their lines. The snapshot's memory must stay as it is until `waitForCheckpoint()` returns.
    /// Does nothing in a run without checkpoints.
    package func submit(_ checkpoint: Checkpoint) {
        guard let checkpoints else { return }
        let sequence = mailbox.postFlush()
        checkpoints.submit(checkpoint) { [events] in events.waitUntilFlushed(sequence) }
    }

    /// Returns when no checkpoint is being written: the memory of the last snapshot is free again.
    package func waitForCheckpoint() { checkpoints?.wait() }

    /// The oldest error of the background not taken yet; a single atomic load if there is none.
    package func takeError() -> (any MIOError)? { errors.take() }

    /// Returns when every event posted is on the disk and no checkpoint is being written.
    package func flush() {
        events.waitUntilFlushed(mailbox.postFlush())
        waitForCheckpoint()
    }

    /// How often a post found the mailbox full.
    package var producerWaits: Int { mailbox.producerWaits }

    /// Writes everything, closes the sinks, ends the threads. Ask for errors after it.
    package func close() {
        checkpoints?.close()
        mailbox.close()
        events.join()
    }
}
