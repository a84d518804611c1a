import Foundation
import MIOBase
import MIORunFolder
import MIOSystem
import MIOThreads
import Synchronization

/// Hears what ranks on other machines say of themselves, and keeps it in the progress board, on a thread of its own.
///
/// Whoever does not greet with the run's secret is not listened to.
///
/// Sendable, unchecked: the board's words are stored whole, and everything else that two threads touch is in `state`.
package final class RemoteRanks: @unchecked Sendable {
    package struct Rank: Hashable, Sendable {
        package var host: String
        /// Seconds of the monotonic clock.
        package var heardAt: Double
        /// When its connection was closed; `nil` while it is open.
        package var closedAt: Double?
    }

    private struct State {
        var ranks: [Int: Rank] = [:]
        var isOver = false
    }

    /// One who has connected.
    private struct Caller {
        let descriptor: Int32
        let since = MonotonicClock.seconds
        /// Once it has greeted.
        var rank: Int?
        var bytes: [UInt8] = []
    }

    /// What ranks need to find this.
    package let link: ProgressLink
    private let board: ProgressBoard
    private let listener: Int32
    private let state = Mutex(State())
    private var thread: JoinableThread?

    private static let secondsToGreet = 5.0
    /// Who has not greeted yet.
    private static let mostStrangers = 64
    private static let mostAddresses = 16

    /// Listens on a free port of all addresses of this machine.
    /// - Throws: `RunError` if there is no port or no thread.
    package init(_ board: ProgressBoard) throws(RunError) {
        self.board = board
        let (listener, port) = try Self.listen()
        self.listener = listener
        let addresses = networkAddresses()
        link = ProgressLink(
            addresses: addresses.isEmpty ? ["127.0.0.1"] : Array(addresses.prefix(Self.mostAddresses)),
            port: port, secret: ProgressLink.makeSecret())
        do throws(RunError) {
            thread = try JoinableThread(named: "mio ranks elsewhere") { [self] in run() }
        } catch {
            close(listener)
            throw error
        }
    }

    /// Ends the listening. What was heard stays in the board.
    package func stop() {
        state.withLock { $0.isOver = true }
        thread?.join()
        thread = nil
    }

    /// - Returns: `nil` for a rank that was not heard.
    package func rank(_ number: Int) -> Rank? { state.withLock { $0.ranks[number] } }

    /// The rank whose connection was closed first, of those that did not say before that they end.
    package var firstGone: (rank: Int, host: String)? {
        let gone = state.withLock { state in
            state.ranks.compactMap { number, rank in rank.closedAt.map { (number, rank.host, $0) } }
        }
        return gone.filter { board.entry(of: $0.0)?.phase != .ended }.min { $0.2 < $1.2 }
            .map { (rank: $0.0, host: $0.1) }
    }

    // MARK: The socket

    private static func listen() throws(RunError) -> (descriptor: Int32, port: Int) {
        var code: Int32 = 0
        // IPv6 takes IPv4 too; a machine may have the one alone.
        for family in [AF_INET6, AF_INET] {
            let descriptor = makeStreamSocket(family)
            guard descriptor >= 0 else {
                code = errno
                continue
            }
            _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
            var no: Int32 = 0
            if family == AF_INET6 {
                setsockopt(
                    descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &no, socklen_t(MemoryLayout<Int32>.size))
            }
            var storage = sockaddr_storage()
            storage.ss_family = sa_family_t(family)
            var size = socklen_t(
                family == AF_INET6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size)
            let works = withUnsafeMutablePointer(to: &storage) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, size) == 0 && MIOSystem.listen(descriptor, 128) == 0
                        && getsockname(descriptor, $0, &size) == 0
                }
            }
            guard works else {
                code = errno
                close(descriptor)
                continue
            }
            // At the same place in both.
            let port = withUnsafeBytes(of: &storage) { UInt16($0[2]) << 8 | UInt16($0[3]) }
            return (descriptor, Int(port))
        }
        throw RunError(
            "no port to hear the ranks on other machines: \(String(cString: strerror(code)))",
            exitCode: .inputOutput)
    }

    // MARK: The thread

    private func run() {
        var callers: [Caller] = []
        while !state.withLock({ $0.isOver }) {
            // Others wait in the kernel's queue.
            let hasRoom = callers.count { $0.rank == nil } < Self.mostStrangers
            var places =
                [pollfd(fd: hasRoom ? listener : -1, events: Int16(POLLIN), revents: 0)]
                + callers.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
            _ = poll(&places, nfds_t(places.count), 200)
            for (number, place) in places.dropFirst().enumerated().reversed()
            where place.revents != 0 || isLate(callers[number]) {
                if place.revents == 0 || !hear(&callers[number]) {
                    leave(callers.remove(at: number), others: callers)
                }
            }
            if places[0].revents != 0 { accept(&callers) }
        }
        for caller in callers { close(caller.descriptor) }
        close(listener)
    }

    private func accept(_ callers: inout [Caller]) {
        let descriptor = MIOSystem.accept(listener, nil, nil)
        guard descriptor >= 0 else {
            // Without descriptors: not again and again.
            if ![EAGAIN, EINTR, ECONNABORTED].contains(errno) { usleep(200_000) }
            return
        }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        callers.append(Caller(descriptor: descriptor))
    }

    private func isLate(_ caller: Caller) -> Bool {
        caller.rank == nil && MonotonicClock.seconds - caller.since > Self.secondsToGreet
    }

    private func leave(_ caller: Caller, others: [Caller]) {
        close(caller.descriptor)
        // One that has connected again is there.
        guard let rank = caller.rank, !others.contains(where: { $0.rank == rank }) else { return }
        state.withLock { $0.ranks[rank]?.closedAt = MonotonicClock.seconds }
    }

    /// - Returns: `false` if there is no more to hear.
    private func hear(_ caller: inout Caller) -> Bool {
        var piece = [UInt8](repeating: 0, count: 1 << 14)
        let count = recv(caller.descriptor, &piece, piece.count, 0)
        if count < 0 { return errno == EAGAIN || errno == EINTR }
        guard count > 0 else { return false }
        caller.bytes += piece[..<count]
        if caller.rank == nil {
            guard caller.bytes.count >= ProgressLink.greetingBytes else { return true }
            guard
                let (rank, host) = link.rank(
                    greeting: Array(caller.bytes.prefix(ProgressLink.greetingBytes))),
                rank < board.ranks
            else { return false }
            caller.rank = rank
            caller.bytes.removeFirst(ProgressLink.greetingBytes)
            state.withLock { $0.ranks[rank] = Rank(host: host, heardAt: MonotonicClock.seconds) }
        }
        guard let rank = caller.rank else { return false }
        let whole = caller.bytes.count / ProgressLink.slotBytes * ProgressLink.slotBytes
        guard whole > 0 else { return true }
        // The newest alone counts.
        let words = Array(caller.bytes[(whole - ProgressLink.slotBytes)..<whole]).littleEndianWords
        caller.bytes.removeFirst(whole)
        guard board.keep(words, ofRankElsewhere: rank) else { return false }
        state.withLock {
            $0.ranks[rank]?.heardAt = MonotonicClock.seconds
            $0.ranks[rank]?.closedAt = nil
        }
        return true
    }
}
