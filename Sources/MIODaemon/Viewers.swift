import Synchronization

/// The browsers that are told of changes as they happen.
final class Viewers: Sendable {
    /// A piece of the stream of server-sent events.
    typealias Piece = String

    private struct State {
        var next = 0
        var streams: [Int: AsyncStream<Piece>.Continuation] = [:]
        var isFinished = false
    }

    private let state = Mutex(State())
    static let most = 100
    /// Rings when somebody begins to watch.
    let bell = Bell()

    var count: Int { state.withLock { $0.streams.count } }

    /// - Returns: `nil` if there are too many.
    func add() -> (stream: AsyncStream<Piece>, leave: @Sendable () -> Void)? {
        // A viewer that reads too slowly loses the oldest pieces, each of which a later one replaces.
        let (stream, continuation) = AsyncStream.makeStream(
            of: Piece.self, bufferingPolicy: .bufferingNewest(200))
        let number: Int? = state.withLock { state in
            guard state.streams.count < Self.most, !state.isFinished else { return nil }
            state.next += 1
            state.streams[state.next] = continuation
            return state.next
        }
        guard let number else { return nil }
        bell.ring()
        return (
            stream,
            { [self] in
                let gone = state.withLock { $0.streams.removeValue(forKey: number) }
                gone?.finish()
            }
        )
    }

    /// - Parameter row: of one line.
    func changed(run row: String) { send("event: run\ndata: \(row)\n\n") }

    func listChanged() { send("event: list\ndata: {}\n\n") }

    /// Shows that the connection is there; one that is gone is noticed by it.
    func beat() { send(": beat\n\n") }

    private func send(_ piece: Piece) {
        let streams = state.withLock { Array($0.streams.values) }
        for stream in streams { stream.yield(piece) }
    }

    func finish() {
        let streams = state.withLock { state in
            state.isFinished = true
            defer { state.streams.removeAll() }
            return Array(state.streams.values)
        }
        for stream in streams { stream.finish() }
    }
}
