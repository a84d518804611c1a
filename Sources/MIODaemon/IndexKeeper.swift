import Dispatch
import Foundation
import MIOBase
import MIORunIndex
import MIOSystem
import ServiceLifecycle
import Synchronization

/// Keeps the index up to date, at a cost that nobody notices.
///
/// Nobody watches: every half minute the runs that are at work are read further and folders that changed are looked through; all
/// runs are examined so seldom that it costs under 0.02 % of a core. Somebody watches: each second. Somebody asks: at once.
package final class IndexKeeper: Service, Sendable {
    package let index: RunIndex
    private let log: DaemonLog
    let viewers = Viewers()
    /// What changes the index runs here, one after the other.
    private let queue = DispatchQueue(label: "mio.index")
    private let state = Mutex(State())

    private struct State {
        var lastScan = -1e9
        var lastSweep = -1e9
        /// Seconds of processor time that the last sweep took.
        var sweepCost = 0.0
        var refreshed: [String: Double] = [:]
    }

    static let watchedSeconds = 1.0
    static let idleSeconds = 30.0
    /// Of a core, for examining runs that are not at work.
    static let sweepShare = 0.000_2

    package init(_ index: RunIndex, log: DaemonLog) {
        self.index = index
        self.log = log
    }

    package func run() async throws {
        await attempt { try self.index.scan() }
        await sweep()
        var beats = 0
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            let isWatched = viewers.count > 0
            await viewers.bell.sleep(seconds: isWatched ? Self.watchedSeconds : Self.idleSeconds)
            guard !Task.isShuttingDownGracefully, !Task.isCancelled else { break }
            beats += 1
            if beats % 15 == 0 { viewers.beat() }
            await freshen(atMostOld: isWatched ? Self.watchedSeconds : Self.idleSeconds)
            let (cost, last) = state.withLock { ($0.sweepCost, $0.lastSweep) }
            if Self.now - last > max(60, cost / Self.sweepShare) { await sweep() }
        }
        viewers.finish()
    }

    private static var now: Double { Double(DispatchTime.now().uptimeNanoseconds) * 1e-9 }

    /// Looks for new runs and reads those at work further, unless that was done a moment ago.
    func freshen(atMostOld seconds: Double = 0.05) async {
        guard state.withLock({ Self.now - $0.lastScan > seconds * 0.9 }) else { return }
        await attempt {
            self.state.withLock { $0.lastScan = Self.now }
            let isOther = try self.index.scan()
            if isOther { self.viewers.listChanged() }
            for path in try self.index.activePaths() where try self.index.refresh(path) {
                try self.tell(path)
            }
        }
    }

    /// Reads what is new of one run.
    func freshen(_ path: String, atMostOld seconds: Double = 0.3) async {
        guard state.withLock({ Self.now - ($0.refreshed[path] ?? -1e9) > seconds }) else { return }
        await attempt {
            self.state.withLock {
                if $0.refreshed.count > 1_000 { $0.refreshed.removeAll() }
                $0.refreshed[path] = Self.now
            }
            if try self.index.refresh(path) { try self.tell(path) }
        }
    }

    /// Examines all runs.
    func sweep() async {
        await attempt {
            let before = Self.processorSeconds
            for path in try self.index.allPaths() where try self.index.refresh(path) { try self.tell(path) }
            let cost = Self.processorSeconds - before
            self.state.withLock {
                $0.sweepCost = cost
                $0.lastSweep = Self.now
            }
        }
    }

    func rebuild() async throws {
        try await onQueue { try self.index.rebuild() }
        viewers.listChanged()
    }

    private static var processorSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    private func tell(_ path: String) throws {
        guard viewers.count > 0, let run = try index.run(at: path) else { return }
        let series = try index.series(of: [run.id])[run.id] ?? []
        viewers.changed(run: RunJSON.row(run, series: series).json())
    }

    private func attempt(_ body: @escaping @Sendable () throws -> Void) async {
        do {
            try await onQueue(body)
        } catch {
            log.write("the index: \(error)")
        }
    }

    private func onQueue(_ body: @escaping @Sendable () throws -> Void) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            queue.async { continuation.resume(with: Result { try body() }) }
        }
    }
}
