import CSharedMemory
import Foundation
import MIOBase
import MIORunFolder
import MIOSystem
import MIOThreads
import Synchronization

/// Sends what this rank is at to a supervisor on another machine, several times a second, on a thread of its own: the thread that
/// steps stores its words as always, and waits for nobody.
///
/// Sendable, unchecked: `slot` is written by the thread that steps, word by word, and lives as long as the process.
final class ProgressSender: @unchecked Sendable {
    private let link: ProgressLink
    private let rank: Int
    private let slot: UnsafeMutablePointer<UInt64>
    /// The open connection; held while something is sent.
    private let connection = Mutex<Int32?>(nil)

    private static let secondsBetweenLooks = 0.25
    private static let secondsBetweenTries = 1.0
    /// A supervisor that cannot be reached so often in a row is none.
    private static let mostTries = 60
    /// A connection that has lasted so long was one.
    private static let secondsOfConnection = 5.0
    private static let secondsToConnect = 2.0

    init(_ link: ProgressLink, rank: Int, slot: UnsafeMutablePointer<UInt64>) {
        self.link = link
        self.rank = rank
        self.slot = slot
        // Without a thread the supervisor sees less; the training is the same. It ends with the process.
        _ = try? JoinableThread(named: "mio progress") { self.run() }
    }

    private func run() {
        var tries = 0
        while tries < Self.mostTries {
            tries += 1
            if connect() {
                let since = MonotonicClock.seconds
                while send() { usleep(UInt32(Self.secondsBetweenLooks * 1e6)) }
                if MonotonicClock.seconds - since > Self.secondsOfConnection { tries = 0 }
            }
            usleep(UInt32(Self.secondsBetweenTries * 1e6))
        }
    }

    private var bytes: [UInt8] {
        [UInt8](littleEndian: (0..<ProgressBoard.wordsPerSlot).map { mio_load_acquire(slot + $0) })
    }

    /// - Returns: whether the connection is there.
    private func send() -> Bool {
        connection.withLock { connection in
            guard let open = connection else { return false }
            if Self.write(bytes, open) { return true }
            close(open)
            connection = nil
            return false
        }
    }

    /// From the thread that ends the process, which waits for nobody.
    func sendLast() {
        _ = connection.withLockIfAvailable { connection in
            guard let open = connection else { return }
            let bytes = bytes
            _ = MIOSystem.send(open, bytes, bytes.count, withoutSignal | Int32(MSG_DONTWAIT))
        }
    }

    private func connect() -> Bool {
        // Those that this machine has as well may lead to somebody else here.
        let own = Set(networkAddresses())
        for address in link.addresses.filter({ !own.contains($0) }) + link.addresses.filter(own.contains) {
            guard let opened = Self.connect(address, link.port) else { continue }
            guard Self.write(link.greeting(rank: rank, host: ProcessName.own.host), opened) else {
                close(opened)
                continue
            }
            connection.withLock { $0 = opened }
            return true
        }
        return false
    }

    private static func connect(_ address: String, _ port: Int) -> Int32? {
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(address, "\(port)", &hints, &found) == 0, let found else { return nil }
        defer { freeaddrinfo(found) }
        let opened = makeStreamSocket(found.pointee.ai_family)
        guard opened >= 0 else { return nil }
        // Of connecting as well, on Linux.
        var time = timeval(tv_sec: Int(secondsToConnect), tv_usec: 0)
        setsockopt(opened, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        guard MIOSystem.connect(opened, found.pointee.ai_addr, found.pointee.ai_addrlen) == 0 else {
            close(opened)
            return nil
        }
        return opened
    }

    private static func write(_ bytes: [UInt8], _ descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                MIOSystem.send(descriptor, $0.baseAddress, $0.count, withoutSignal)
            }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
