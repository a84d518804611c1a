import Foundation
import MIOComm
import MIOThreads

/// How the clocks of ranks on several machines become one.
package struct ClockAlignment {
    package let host: String
    /// What this rank's clock says when rank 0's says what it did at the beginning.
    package let origin: UInt64

    private static let meetings = 9

    /// Ranks leave a barrier at about the same time: the median difference over several of them is that of their
    /// clocks, to within microseconds. Ranks of rank 0's machine have its clock.
    /// - Throws: `CommunicationError`
    package init(_ communicator: any Communicator) throws {
        host = ProcessInfo.processInfo.hostName
        var times: [UInt64] = []
        for _ in 0..<Self.meetings {
            try communicator.barrier()
            times.append(MonotonicClock.nanoseconds)
        }
        let text = ([host] + times.map(String.init)).joined(separator: " ")
        let first = try communicator.broadcast(Array(text.utf8), root: 0)
        let words = String(decoding: first, as: UTF8.self).split(separator: " ")
        let theirs = words.dropFirst().compactMap { UInt64($0) }
        guard words.first.map(String.init) != host else {
            origin = theirs[0]
            return
        }
        let differences = zip(times, theirs).map { Int64(bitPattern: $0 &- $1) }.sorted()
        origin = theirs[0] &+ UInt64(bitPattern: differences[Self.meetings / 2])
    }
}
