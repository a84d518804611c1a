import ServiceLifecycle
import Synchronization

/// Lets one task sleep until somebody rings, or a time has passed.
final class Bell: Sendable {
    private struct State {
        /// It rang while nobody slept.
        var hasRung = false
        var sleeper: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    func ring() {
        let sleeper = state.withLock { state in
            defer { state.sleeper = nil }
            if state.sleeper == nil { state.hasRung = true }
            return state.sleeper
        }
        sleeper?.resume()
    }

    /// Returns after a ring, after so many seconds, or when the task is cancelled or asked to end.
    func sleep(seconds: Double) async {
        let timer = Task {
            try await Task.sleep(for: .seconds(seconds))
            self.ring()
        }
        await withTaskCancellationOrGracefulShutdownHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let isNow = state.withLock { state in
                    if state.hasRung {
                        state.hasRung = false
                        return true
                    }
                    state.sleeper = continuation
                    return false
                }
                if isNow { continuation.resume() }
            }
        } onCancelOrGracefulShutdown: {
            self.ring()
        }
        timer.cancel()
    }
}

/// A service that begins when a bell has rung.
struct LaterService: Service {
    private let service: any Service
    private let bell: Bell
    /// By then it will not ring any more.
    private static let mostSeconds = 3600.0

    init(_ service: any Service, after bell: Bell) {
        self.service = service
        self.bell = bell
    }

    func run() async throws {
        await bell.sleep(seconds: Self.mostSeconds)
        guard !Task.isShuttingDownGracefully, !Task.isCancelled else { return }
        try await service.run()
    }
}
