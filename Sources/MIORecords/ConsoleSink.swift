import Foundation
import MIOBase

/// Shows a run's progress to a person: on a terminal one line that is rewritten, elsewhere plain lines.
///
///     epoch 1/5  37/938  12034 samples/s  0:42 left  loss 0.5234  kind_accuracy 0.8123
///
/// Progress is shown at most ten times a second, the end of an epoch always.
///
/// A reader that went away (a closed terminal or pipe) ends the display, never the run; the program must ignore
/// SIGPIPE. One that reads nothing for a while (Ctrl-S) is not waited for: progress is dropped meanwhile, and what ends
/// an epoch is kept for it.
package final class ConsoleSink: MetricSink {
    /// What the run is to do, for "of how many" and the time left.
    package struct Extent: Sendable {
        package let epochs: Int
        package let stepsPerEpoch: Int
        /// Steps done beyond `stepsPerEpoch` for each epoch before; negative if there were fewer.
        package let stepsBefore: Int

        package init(epochs: Int, stepsPerEpoch: Int, stepsBefore: Int = 0) {
            self.epochs = epochs
            self.stepsPerEpoch = stepsPerEpoch
            self.stepsBefore = stepsBefore
        }
    }

    private let descriptor: Int32
    private let isTerminal: Bool
    private let extent: Extent
    private let everySteps: Int
    private let clock: () -> Double
    private var isOpen = true
    /// A progress line stands on the terminal, without its newline.
    private var lineStands = false
    private var first: (step: Int, time: Double)?
    private var lastInterval: Int?
    private var lastShown = -Double.infinity
    /// What nobody has taken yet.
    private var pending: [UInt8] = []
    /// A reader that reads again has more of than it can want.
    private static let mostPending = 1 << 16
    /// Who closes waits this long for a reader.
    private static let patienceMilliseconds: Int32 = 500

    /// - Parameters:
    ///   - descriptor: 1 for standard output, 2 for standard error, or any other open one.
    ///   - isTerminal: `nil` asks the system.
    ///   - everySteps: off a terminal, at most one line per this many steps.
    ///   - clock: seconds that only grow.
    /// - Precondition: `everySteps` is at least 1.
    package init(
        descriptor: Int32, isTerminal: Bool? = nil, extent: Extent, everySteps: Int,
        clock: @escaping () -> Double = { ProcessInfo.processInfo.systemUptime }
    ) {
        precondition(everySteps >= 1, "an interval of \(everySteps) steps")
        self.descriptor = descriptor
        self.isTerminal = isTerminal ?? (isatty(descriptor) == 1)
        self.extent = extent
        self.everySteps = everySteps
        self.clock = clock
    }

    package func write(_ event: RunEvent) {
        let now = clock()
        switch event.event {
        case "step":
            defer { if first == nil { first = (event.step, now) } }
            // More often than this nobody can read, and a slow terminal would hold up the others.
            guard now - lastShown >= 0.1 else { return }
            write(patience: 0)
            guard pending.isEmpty else { return }
            if isTerminal {
                lastShown = now
                put("\r" + String(progress(event, now).prefix(width() - 1)) + "\u{1B}[K")
                lineStands = true
            } else {
                let interval = event.step / everySteps
                guard interval != lastInterval else { return }
                lastInterval = interval
                lastShown = now
                put(progress(event, now) + "\n")
            }
        case "epoch":
            endLine("epoch \(event.epoch + 1)/\(extent.epochs) done  step \(event.step)" + values(event))
        default:
            endLine("\(event.event)  step \(event.step)" + values(event))
        }
    }

    package func flush() {}

    package func close() {
        if lineStands { put("\n") }
        lineStands = false
        write(patience: Self.patienceMilliseconds)
        isOpen = false
    }

    private func endLine(_ text: String) {
        put((lineStands ? "\r\u{1B}[K" : "") + text + "\n")
        lineStands = false
    }

    private func progress(_ event: RunEvent, _ now: Double) -> String {
        let stepsPerEpoch = max(extent.stepsPerEpoch, 1)
        let step = event.step - extent.stepsBefore
        var text = "epoch \(event.epoch + 1)/\(extent.epochs)"
        text += "  \((max(step, 1) - 1) % stepsPerEpoch + 1)/\(extent.stepsPerEpoch)"
        if let rate = event["samples_per_second"] {
            text += "  \(fixedText(rate, decimals: rate < 100 ? 1 : 0)) samples/s"
        }
        if let first, event.step > first.step {
            let (total, overflow) = extent.epochs.multipliedReportingOverflow(by: extent.stepsPerEpoch)
            let left = overflow ? 0 : max(0, total - step)
            text += "  " + clockText((now - first.time) / Double(event.step - first.step) * Double(left))
            text += " left"
        }
        return text + values(event)
    }

    private static let unshown: Set = [
        "samples_per_second", "step_seconds", "data_wait_seconds", "learning_rate",
    ]

    /// Losses and metrics; what describes the run itself is shown elsewhere or not at all.
    private func values(_ event: RunEvent) -> String {
        event.values.filter { !Self.unshown.contains($0.name) }
            .map { "  \($0.name.escaped()) \(shortText($0.value))" }.joined()
    }

    private func width() -> Int {
        var size = winsize()
        let answered = ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0
        return answered && size.ws_col > 10 ? Int(size.ws_col) : 80
    }

    private func put(_ text: String) {
        guard isOpen, pending.count < Self.mostPending else { return }
        pending += text.utf8
        write(patience: 0)
    }

    /// Writes what is pending as far as somebody takes it.
    /// - Parameter patience: milliseconds to wait each time nobody does.
    private func write(patience: Int32) {
        while !pending.isEmpty, isOpen, isReady(patience) {
            // A pipe that is ready takes as much without waiting (PIPE_BUF).
            let count = pending.withUnsafeBytes {
                Foundation.write(descriptor, $0.baseAddress, min($0.count, 4096))
            }
            if count >= 0 {
                pending.removeFirst(count)
            } else if errno == EAGAIN {
                return
            } else if errno != EINTR {
                isOpen = false
            }
        }
    }

    private func isReady(_ milliseconds: Int32) -> Bool {
        var place = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&place, 1, milliseconds) > 0
    }
}
