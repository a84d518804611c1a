import MIOBase
import Synchronization

/// One-time links, and the browsers that have used one. In memory alone: a restart of the daemon ends them all.
package final class Sessions: Sendable {
    private struct Entry {
        let secret: String
        let role: Caller.Role
        var ends: ContinuousClock.Instant
    }

    private struct State {
        var links: [Entry] = []
        var sessions: [Entry] = []
    }

    private let state = Mutex(State())
    /// Of a link that nobody has used, and of a browser that asks for nothing.
    static let linkLife = Duration.seconds(300)
    static let sessionLife = Duration.seconds(12 * 3600)
    private static let most = 200

    package init() {}

    /// A code that opens one session.
    package func makeLink(_ role: Caller.Role, now: ContinuousClock.Instant = .now) -> String {
        let secret = Secret.make()
        state.withLock { state in
            state.links.removeAll { $0.ends < now }
            if state.links.count >= Self.most { state.links.removeFirst() }
            state.links.append(Entry(secret: secret, role: role, ends: now + Self.linkLife))
        }
        return secret
    }

    /// Opens a session with a link's code, which is then used up.
    /// - Returns: the cookie's value; `nil` if the code is unknown, used or too old.
    package func open(_ code: some StringProtocol, now: ContinuousClock.Instant = .now) -> String? {
        state.withLock { state in
            state.links.removeAll { $0.ends < now }
            guard let index = state.links.firstIndex(where: { Secret.isEqual(code, $0.secret) }) else {
                return nil
            }
            let role = state.links.remove(at: index).role
            let secret = Secret.make()
            state.sessions.removeAll { $0.ends < now }
            if state.sessions.count >= Self.most { state.sessions.removeFirst() }
            state.sessions.append(Entry(secret: secret, role: role, ends: now + Self.sessionLife))
            return secret
        }
    }

    /// - Returns: `nil` if it is no session's cookie.
    package func role(of cookie: some StringProtocol, now: ContinuousClock.Instant = .now) -> Caller.Role? {
        state.withLock { state in
            state.sessions.removeAll { $0.ends < now }
            var found: Int?
            for (index, session) in state.sessions.enumerated() where Secret.isEqual(cookie, session.secret) {
                found = index
            }
            guard let found else { return nil }
            state.sessions[found].ends = now + Self.sessionLife
            return state.sessions[found].role
        }
    }

    func close(_ cookie: some StringProtocol) {
        state.withLock { $0.sessions.removeAll { Secret.isEqual(cookie, $0.secret) } }
    }
}
