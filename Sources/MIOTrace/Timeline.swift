import MIOBase
import MIOThreads

/// What a rank's stepping thread did, and when: events in memory that is there before the first of them.
///
/// Recording allocates nothing and reads the clock twice an event. A timeline that is full keeps the first steps
/// and counts what it dropped. It belongs to the thread that steps.
package final class Timeline {
    /// One piece of work, in nanoseconds of a clock that only goes forward.
    package struct Event: BitwiseCopyable {
        package let start: UInt64
        package let end: UInt64
        package let name: Name
        /// The step's number as logs have it: the first step of a training is 1.
        package let step: Int32
        package let samples: Int32
    }

    /// An entry of the table of names.
    package struct Name: BitwiseCopyable, Hashable, Sendable {
        let index: Int32
    }

    /// What is known of all events of a name.
    package struct Facts: Hashable, Sendable {
        package var text: String
        package var kind: EventKind
        /// The call of a layer that it is part of.
        package var layer: String?
        /// Operations and bytes a sample.
        package var flops: Int
        package var bytes: Int
        /// Bytes that do not depend on the number of samples.
        package var fixedBytes: Int

        package init(
            _ text: String, _ kind: EventKind, layer: String? = nil, flops: Int = 0, bytes: Int = 0,
            fixedBytes: Int = 0
        ) {
            self.text = text
            self.kind = kind
            self.layer = layer
            self.flops = flops
            self.bytes = bytes
            self.fixedBytes = fixedBytes
        }
    }

    /// The steps to record; others cost a comparison an event.
    package let steps: ClosedRange<Int>
    package private(set) var facts: [Facts] = []
    /// Events that found no room, and those of the step they belong to, which is left out as a whole.
    package private(set) var dropped = 0
    /// Whether events are taken at the moment.
    package private(set) var isRecording = false
    private let storage: Storage<Event>
    private var used = 0
    /// Events before the step that is being recorded.
    private var usedBefore = 0
    private var isFull = false
    private var isPaused = false
    private var step: Int32 = 0

    /// - Parameters:
    ///   - capacity: events of 32 bytes.
    ///   - steps: numbered as logs do it, from 1.
    package init(capacity: Int = 1 << 18, steps: ClosedRange<Int>) {
        precondition(capacity >= 1 && steps.lowerBound >= 1)
        self.steps = steps
        storage = Storage(count: capacity)
    }

    /// Enters a name into the table. Before the first step.
    package func add(_ facts: Facts) -> Name {
        self.facts.append(facts)
        return Name(index: Int32(self.facts.count - 1))
    }

    // MARK: Recording

    /// Events from here on belong to this step, or to what follows it until the next.
    package func begin(step: Int) {
        self.step = Int32(clamping: step)
        usedBefore = used
        isRecording = steps.contains(step) && !isFull && !isPaused
    }

    /// Whether events are left out for now: what happens meanwhile is one event of somebody else's.
    package func pause(_ pauses: Bool) {
        isPaused = pauses
        isRecording = steps.contains(Int(step)) && !isFull && !pauses
    }

    /// When an event begins; 0 while none are taken.
    package var now: UInt64 { isRecording ? MonotonicClock.nanoseconds : 0 }

    /// Records an event that ends now.
    /// - Parameter start: what `now` said at its beginning.
    package func record(_ name: Name, from start: UInt64, samples: Int = 0) {
        guard isRecording, start > 0 else {
            // A full timeline still counts, so that a report can say how much is missing.
            if isFull, !isPaused, steps.contains(Int(step)) { dropped += 1 }
            return
        }
        guard used < storage.count else {
            // A step is whole or not there.
            dropped += used - usedBefore + 1
            used = usedBefore
            isFull = true
            isRecording = false
            return
        }
        storage.pointer[used] = Event(
            start: start, end: MonotonicClock.nanoseconds, name: name, step: step,
            samples: Int32(clamping: samples))
        used += 1
    }

    // MARK: What was recorded

    package var events: UnsafeBufferPointer<Event> {
        UnsafeBufferPointer(start: storage.pointer, count: used)
    }

    package subscript(name: Name) -> Facts { facts[Int(name.index)] }
}

/// What a step's time goes into.
package enum EventKind: String, CaseIterable, Codable, Sendable {
    case step, forward, backward, inputs, loss, labels, reduction, ranks, threads, data, update, records
    case checkpoint, validation
}
