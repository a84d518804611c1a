import Foundation
import MIOBase
import NIOCore
import ServiceLifecycle

/// A server whose error says where it cannot listen, and what to do.
struct ListeningService: Service {
    let server: any Service
    /// `127.0.0.1:8080`, or a socket's path.
    let place: String
    /// What to do where another program listens at the place.
    let advice: String

    /// - Throws: `RunError` with exit code 74 for an error of the network.
    func run() async throws {
        do {
            try await server.run()
        } catch let error as IOError {
            throw failure(String(cString: strerror(error.errnoCode)), remedy(error.errnoCode))
        } catch let error as SocketAddressError.UnknownHost {
            throw failure("no address is known of \(error.host.shown())", "name another --host")
        }
    }

    private func failure(_ reason: String, _ advice: String) -> RunError {
        RunError("cannot listen on \(place.shown(most: 300)): \(reason); \(advice)", exitCode: .inputOutput)
    }

    private func remedy(_ code: CInt) -> String {
        switch code {
        case EADDRINUSE: advice
        case EADDRNOTAVAIL: "name an address of this machine with --host"
        case EACCES, EPERM: "name a place that this user may listen at; ports below 1024 are root's"
        default: "name another place"
        }
    }
}
