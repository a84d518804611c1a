import Foundation
import MIOBase
import MIORecords
import Synchronization
import TestFolders
import Testing

/// What a test's sink saw, and what it waits for.
private final class Observer: Sendable {
    let events = Mutex<[RunEvent]>([])
    let flushes = Mutex<[[Int]]>([])
    let gate = DispatchSemaphore(value: 0)
}

private final class ObservingSink: MetricSink {
    private let observer: Observer
    private let store: CheckpointStore?
    private let waits: Bool

    init(_ observer: Observer, store: CheckpointStore? = nil, waits: Bool = false) {
        self.observer = observer
        self.store = store
        self.waits = waits
    }

    func write(_ event: RunEvent) { observer.events.withLock { $0.append(event) } }

    func flush() throws {
        if waits { observer.gate.wait() }
        let steps = try store?.steps() ?? []
        observer.flushes.withLock { $0.append(steps) }
    }

    func close() {}
}

private final class FailingSink: MetricSink {
    func write(_ event: RunEvent) throws {
        throw FileError(action: "write", path: "metrics.jsonl", reason: "step \(event.step)")
    }
    func flush() {}
    func close() {}
}

@Suite struct RecordKeeperTests {
    private let folder: TemporaryFolder
    private let store: CheckpointStore
    private let kinds = [
        EventKind(event: "step", names: ["loss", "kind_accuracy"]),
        EventKind(event: "epoch", names: ["val_loss"]),
    ]

    init() throws {
        folder = try TemporaryFolder()
        store = CheckpointStore(folder: folder.path("checkpoints"), keep: 2)
    }

    private func post(_ keeper: RecordKeeper, _ kind: Int, step: Int, _ values: [Double]) {
        values.withUnsafeBufferPointer { keeper.post(kind, step: step, epoch: 0, values: $0) }
    }

    @Test func eventsAndCheckpointsArrive() throws {
        let keeper = try RecordKeeper(
            kinds: kinds,
            sinks: [
                try JSONLinesSink(path: folder.path("metrics.jsonl"), keepingThrough: 0),
                try TensorBoardSink(folder: folder.path, keepingThrough: 0),
            ], store: store, capacity: 4)
        for step in 1...50 {
            post(keeper, 0, step: step, [Double(step), 0.5])
            if step % 10 == 0 {
                keeper.waitForCheckpoint()
                keeper.submit(sampleCheckpoint(step: step))
            }
            #expect(keeper.takeError() == nil)
        }
        post(keeper, 1, step: 50, [0.25])
        keeper.post(RunEvent(event: "finished", step: 50, epoch: 0, values: []))
        keeper.flush()
        let text = String(decoding: try folder.bytes(of: "metrics.jsonl"), as: UTF8.self)
        let lines = text.split(separator: "\n")
        #expect(lines.count == 52)
        #expect(
            lines[9]
                == "{\"event\": \"step\", \"step\": 10, \"epoch\": 0, \"loss\": 10.0, \"kind_accuracy\": 0.5}"
        )
        #expect(lines[50] == "{\"event\": \"epoch\", \"step\": 50, \"epoch\": 0, \"val_loss\": 0.25}")
        #expect(lines[51] == "{\"event\": \"finished\", \"step\": 50, \"epoch\": 0}")
        #expect(try store.steps() == [50, 40])
        keeper.close()
        #expect(keeper.takeError() == nil)
    }

    @Test func closeWritesWhatIsPending() throws {
        let observer = Observer()
        let keeper = try RecordKeeper(kinds: kinds, sinks: [ObservingSink(observer)], store: store)
        post(keeper, 0, step: 1, [1, 2])
        keeper.submit(sampleCheckpoint(step: 1))
        keeper.close()
        #expect(try store.steps() == [1])
        #expect(
            observer.events.withLock { $0 } == [
                RunEvent(
                    event: "step", step: 1, epoch: 0, values: [.init("loss", 1), .init("kind_accuracy", 2)])
            ])
    }

    @Test func eventsAreOnTheDiskBeforeTheCheckpointIs() throws {
        let observer = Observer()
        let keeper = try RecordKeeper(
            kinds: kinds, sinks: [ObservingSink(observer, store: store)], store: store)
        keeper.submit(sampleCheckpoint(step: 1))
        keeper.submit(sampleCheckpoint(step: 2))
        keeper.close()
        let flushes = observer.flushes.withLock { $0 }
        // The second request may be served before or after the first checkpoint is there.
        #expect(flushes.first == [])
        #expect(flushes.count == 2 && [[], [1]].contains(flushes[1]))
    }

    @Test func atMostOneCheckpointIsInFlight() throws {
        let observer = Observer()
        let keeper = try RecordKeeper(
            kinds: kinds, sinks: [ObservingSink(observer, waits: true)], store: store)
        keeper.submit(sampleCheckpoint(step: 1))
        let submitted = Mutex(false)
        let done = DispatchSemaphore(value: 0)
        Thread {
            keeper.submit(sampleCheckpoint(step: 2))
            submitted.withLock { $0 = true }
            done.signal()
        }.start()
        usleep(50_000)
        #expect(submitted.withLock { $0 } == false)
        observer.gate.signal()
        observer.gate.signal()
        done.wait()
        keeper.close()
        #expect(try store.steps() == [2, 1])
    }

    @Test func errorsOfTheBackgroundSurfaceOnce() throws {
        // A file where the folder of checkpoints should be.
        _ = try folder.write([], to: "checkpoints")
        let observer = Observer()
        let keeper = try RecordKeeper(
            kinds: kinds, sinks: [FailingSink(), ObservingSink(observer)], store: store)
        post(keeper, 1, step: 7, [1])
        post(keeper, 1, step: 7, [1])
        keeper.flush()
        #expect(keeper.takeError()?.description == "cannot write metrics.jsonl: step 7")
        #expect(keeper.takeError() == nil)
        keeper.submit(sampleCheckpoint(step: 1))
        keeper.waitForCheckpoint()
        #expect(
            keeper.takeError()?.description
                == "cannot create the folder \(store.folder): Not a directory; a file is in the way where a "
                + "folder was expected")
        #expect(keeper.takeError() == nil)
        // The other sink got everything.
        #expect(observer.events.withLock { $0.count } == 2)
        keeper.close()
    }

    @Test func namesThatCollideAreRefused() throws {
        for names in [["loss", "step"], ["loss", "loss"]] {
            let error = #expect(throws: FileError.self) {
                try RecordKeeper(kinds: [EventKind(event: "step", names: names)], sinks: [], store: nil)
            }
            #expect(error?.exitCode == .badInput)
            #expect(error?.path == "\"\(names[1])\" of the event \"step\"")
        }
    }

    @Test func aRunWithoutCheckpoints() throws {
        let keeper = try RecordKeeper(kinds: kinds, sinks: [], store: nil)
        keeper.submit(sampleCheckpoint(step: 1))
        keeper.flush()
        keeper.close()
        #expect(keeper.producerWaits == 0)
        #expect(try folder.names() == [])
    }
}
