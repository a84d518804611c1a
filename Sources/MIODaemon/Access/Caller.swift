/// Who sent a request, and what the sender may do.
package struct Caller: Hashable, Sendable {
    package enum Role: String, Hashable, Sendable {
        case readOnly = "read_only"
        case full

        package func allows(_ other: Role) -> Bool { self == .full || other == .readOnly }
    }

    let role: Role
    /// For the run's events and the log: `user 1000, process 4711`, `a token, from 127.0.0.1`.
    let name: String
    /// A browser sends its cookie with whatever request a page makes, also a page of others.
    var isCookie = false
}
