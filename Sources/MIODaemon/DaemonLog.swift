import Foundation
import MIOBase
import MIORunFolder
import Synchronization

/// Lines on standard error: what changed something, what was refused, what failed.
///
/// What a request holds is escaped and cut, so that it can forge no line. A flood of refused requests is counted and not written.
package final class DaemonLog: Sendable {
    private struct State {
        var second = 0
        var written = 0
        var dropped = 0
    }

    private let state = Mutex(State())
    private let sink: @Sendable (String) -> Void
    private static let mostPerSecond = 20

    /// - Parameter sink: takes a line without its newline.
    package init(
        _ sink: @escaping @Sendable (String) -> Void = {
            try? FileHandle.standardError.write(contentsOf: Data(($0 + "\n").utf8))
        }
    ) { self.sink = sink }

    package func write(_ text: String) {
        let now = Timestamp.now
        let (isWritten, dropped) = state.withLock { state -> (Bool, Int) in
            let second = Int(now.seconds)
            var dropped = 0
            if second != state.second {
                dropped = state.dropped
                state = State(second: second)
            }
            state.written += 1
            if state.written > Self.mostPerSecond { state.dropped += 1 }
            return (state.written <= Self.mostPerSecond, dropped)
        }
        if dropped > 0 { sink("\(now) … \(dropped) lines more") }
        if isWritten { sink("\(now) \(text.shownMessage(keepsNewlines: false))") }
    }
}
