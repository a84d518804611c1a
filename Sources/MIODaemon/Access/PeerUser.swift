import MIOSystem
import NIOCore

/// The process at the other end of a Unix socket, as the kernel tells.
package struct PeerUser: Hashable, Sendable {
    package let process: Int32
    package let user: UInt32

    package init(process: Int32, user: UInt32) {
        self.process = process
        self.user = user
    }

    #if os(Linux)
        /// `struct ucred`, which the C library shows to programs in C only.
        private struct Credentials: Sendable {
            var process: Int32 = 0
            var user: UInt32 = 0
            var group: UInt32 = 0
        }
    #endif

    /// - Returns: `nil` if the system does not say.
    static func of(_ channel: any Channel) async -> PeerUser? {
        #if os(Linux)
            guard let provider = channel as? any SocketOptionProvider else { return nil }
            let peerCredentials: CInt = 17
            let future: EventLoopFuture<Credentials> = provider.unsafeGetSocketOption(
                level: .socket, name: .init(rawValue: peerCredentials))
            guard let found = try? await future.get() else { return nil }
            return PeerUser(process: found.process, user: found.user)
        #else
            // The socket's mode keeps others out.
            return PeerUser(process: 0, user: geteuid())
        #endif
    }

    /// This user, or root, who may do anything anyway.
    package func isAllowed(own: UInt32 = geteuid()) -> Bool { user == own || user == 0 }
}
