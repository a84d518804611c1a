import MIOBase
import MIOLaunch
import MIOSystem
import MIOThreads
import Synchronization

/// Hands on what a program writes to standard output and error, and goes on reading when nobody takes it any more:
/// `mpirun` would end in the midst of a run, with a crash of its own. Its words about a rank's end are left out
/// (`LauncherBanners`).
///
/// Sendable, unchecked: the thread alone uses the descriptors once it runs.
final class OutputRelay: @unchecked Sendable {
    private struct Stream {
        let source: Int32
        let target: Int32
    }

    /// What the program is given as standard output and error.
    let outputs: [Int32]
    private var streams: [Stream] = []
    private var banners = LauncherBanners()
    /// The last of what the program wrote to standard error, with what is left out.
    private var lastErrors: [UInt8] = []
    private static let mostLastErrors = 1 << 14
    private let hasEnded = Atomic(false)
    private var thread: JoinableThread?

    /// - Throws: `FileError` where no pipe can be made.
    init() throws(FileError) {
        var outputs: [Int32] = []
        for target in [STDOUT_FILENO, STDERR_FILENO] {
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0 else {
                throw FileError(action: "make", path: "a pipe", reason: String(cString: strerror(errno)))
            }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            outputs.append(ends[1])
            streams.append(Stream(source: ends[0], target: target))
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

    /// The last words of a program that has ended.
    var lastWords: String { String(decoding: lastErrors, as: UTF8.self) }

    private func remember(_ bytes: ArraySlice<UInt8>) {
        lastErrors += bytes
        if lastErrors.count > 2 * Self.mostLastErrors {
            lastErrors.removeFirst(lastErrors.count - Self.mostLastErrors)
        }
    }

    private func run() {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while !streams.isEmpty {
            var places = streams.map { pollfd(fd: $0.source, events: Int16(POLLIN), revents: 0) }
            let ready = poll(&places, nfds_t(places.count), 100)
            // A program that outlives the one that started it may hold the other ends.
            if ready == 0, hasEnded.load(ordering: .relaxed) { break }
            for (index, place) in places.enumerated().reversed() where place.revents != 0 {
                let count = read(streams[index].source, &buffer, buffer.count)
                if count > 0 {
                    let target = streams[index].target
                    if target == STDERR_FILENO {
                        remember(buffer[..<count])
                        hand(banners.filter(buffer[..<count])[...], to: target)
                    } else {
                        hand(buffer[..<count], to: target)
                    }
                } else if count == 0 || errno != EINTR {
                    close(streams[index].source)
                    streams.remove(at: index)
                }
            }
        }
        hand(banners.rest()[...], to: STDERR_FILENO)
    }

    private func hand(_ bytes: ArraySlice<UInt8>, to target: Int32) {
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
