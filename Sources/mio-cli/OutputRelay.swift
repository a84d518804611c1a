import CProcess
import MIOBase
import MIOLaunch
import MIOSystem
import MIOThreads
import Synchronization

/// Hands on what a program writes to standard output and error, lines that several ranks write once (`RankOutput`). It goes on
/// reading when nobody takes it any more: `mpirun` would end in the midst of a run, with a crash of its own. Its words about
/// a rank's end are left out (`LauncherBanners`).
///
/// Sendable, unchecked: the thread alone uses the descriptors once it runs.
final class OutputRelay: @unchecked Sendable {
    private struct Stream {
        let source: Int32
        let target: Int32
        var output: RankOutput
    }

    /// What the program is given as standard output and error.
    let outputs: [Int32]
    private var streams: [Stream] = []
    /// What the launcher itself wrote last to standard error, and no rank.
    private(set) var lastWords = ""
    /// The end of what was handed on to standard error.
    private var lastErrors: [UInt8] = []
    private static let mostErrors = 4096
    private let hasEnded = Atomic(false)
    private var thread: JoinableThread?

    /// - Parameter ranks: that the program starts.
    /// - Throws: `FileError` where no pipe can be made.
    init(ranks: Int) throws(FileError) {
        var outputs: [Int32] = []
        for target in [STDOUT_FILENO, STDERR_FILENO] {
            var ends: [Int32] = [-1, -1]
            guard mio_pipe(&ends) == 0 else {
                throw FileError(action: "make", path: "a pipe", reason: String(cString: strerror(errno)))
            }
            outputs.append(ends[1])
            streams.append(
                Stream(
                    source: ends[0], target: target,
                    output: RankOutput(ranks: ranks, leavesOutBanners: target == STDERR_FILENO)))
        }
        self.outputs = outputs
    }

    /// The program runs: its ends of the pipes are its own.
    /// - Throws: `RunError`
    func start() throws(RunError) {
        for output in outputs { close(output) }
        thread = try JoinableThread(named: "mio output") { self.run() }
    }

    /// The program has ended: returns when everything it wrote was handed on.
    func finish() {
        hasEnded.store(true, ordering: .relaxed)
        thread?.join()
        thread = nil
    }

    private func run() {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while !streams.isEmpty {
            var places = streams.map { pollfd(fd: $0.source, events: Int16(POLLIN), revents: 0) }
            let holds = streams.contains { $0.output.isHolding }
            let ready = poll(&places, nfds_t(places.count), holds ? 50 : 100)
            // A program that outlives the one that started it may hold the other ends.
            if ready == 0, !holds, hasEnded.load(ordering: .relaxed) { break }
            for (index, place) in places.enumerated().reversed() {
                guard place.revents != 0 else {
                    let due = streams[index].output.due(now: MonotonicClock.seconds)
                    hand(due[...], to: streams[index].target)
                    continue
                }
                let count = read(streams[index].source, &buffer, buffer.count)
                if count > 0 {
                    hand(
                        streams[index].output.add(buffer[..<count], now: MonotonicClock.seconds)[...],
                        to: streams[index].target)
                } else if count == 0 || errno != EINTR {
                    close(streams[index].source)
                    end(streams.remove(at: index))
                }
            }
        }
        for stream in streams { end(stream) }
    }

    private func end(_ stream: Stream) {
        var output = stream.output
        hand(output.rest()[...], to: stream.target)
        if stream.target == STDERR_FILENO { lastWords = output.launcherWords }
    }

    /// The last line that the program wrote to standard error, once it has ended; `nil` for none.
    var lastLine: String? {
        String(decoding: lastErrors, as: UTF8.self).split(separator: "\n").last {
            !$0.allSatisfy(\.isWhitespace)
        }
        .map(String.init)
    }

    private func hand(_ bytes: ArraySlice<UInt8>, to target: Int32) {
        if target == STDERR_FILENO { lastErrors = Array((lastErrors + bytes).suffix(Self.mostErrors)) }
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(target, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                return
            }
        }
    }
}
