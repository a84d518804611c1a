import HTTPTypes
import Hummingbird
import MIOBase
import NIOCore

/// Looks at every request before anything else does: who sent it, from where, and whether the sender may.
struct AccessGate: RouterMiddleware {
    enum Entrance: Sendable {
        /// The Unix socket: the kernel says who is at the other end.
        case socket
        case network(Tokens, AllowedHosts)
    }

    let entrance: Entrance
    let sessions: Sessions
    let log: DaemonLog
    static let cookieName = "mio_session"

    func handle(
        _ request: Request, context: DaemonContext,
        next: (Request, DaemonContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        var response: Response
        do {
            try await admit(request, &context)
            response = try await next(request, context)
        } catch let error as APIError {
            response = error.response
        } catch let error as HTTPError {
            response = APIError(error.status, error.body ?? error.status.reasonPhrase).response
        } catch let error as any MIOError {
            response =
                APIError(
                    error.exitCode == .missingInput ? .notFound : .unprocessableContent, error.description
                )
                .response
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            log.write("error: \(request.method.rawValue) \(request.uri.path): \(error)")
            response = APIError(.internalServerError, "an error of the daemon, which its log tells").response
        }
        harden(&response)
        if response.status.code >= 400 || !Self.reads(request.method) {
            log.write(
                "\(response.status.code) \(request.method.rawValue) \(request.uri.path) by \(context.caller?.name ?? "nobody")"
            )
        }
        return response
    }

    private static func reads(_ method: HTTPRequest.Method) -> Bool { method == .get || method == .head }

    private func admit(_ request: Request, _ context: inout DaemonContext) async throws {
        guard request.uri.path.utf8.count <= 2_000, (request.uri.query ?? "").utf8.count <= 8_000 else {
            throw APIError(
                .init(code: 414),
                "the address is too long: expected at most 2000 bytes of path and 8000 of query")
        }
        switch entrance {
        case .socket:
            guard let peer = await PeerUser.of(context.channel), peer.isAllowed() else {
                throw APIError(.forbidden, "this socket is another user's")
            }
            context.caller = Caller(role: .full, name: "user \(peer.user), process \(peer.process)")
        case .network(let tokens, let allowed):
            guard allowed.allows(host: request.head.authority) else {
                throw APIError(
                    .init(code: 421, reasonPhrase: "Misdirected Request"),
                    "the host \(quoted: request.head.authority ?? "") is not one of this daemon's; name it with --public-url"
                )
            }
            let origin = request.headers[HTTPField.Name("Origin")!]
            if let origin, !allowed.allows(origin: origin) {
                throw APIError(.forbidden, "requests of pages from \(quoted: origin) are refused")
            }
            context.caller = caller(request, context, tokens)
            if context.caller?.isCookie == true, !Self.reads(request.method), origin == nil {
                throw APIError(
                    .forbidden, "a request with a cookie that changes something must name its Origin")
            }
        }
        if isPublic(request) { return }
        guard let caller = context.caller else {
            throw APIError(
                .unauthorized,
                "no token, or a wrong one: use `mio-coordinator link`, or send Authorization: Bearer TOKEN")
        }
        guard Self.reads(request.method) || caller.role == .full || isSigningOut(request) else {
            throw APIError(.forbidden, "this token only reads")
        }
    }

    private func caller(_ request: Request, _ context: DaemonContext, _ tokens: Tokens) -> Caller? {
        let address = context.channel.remoteAddress?.ipAddress ?? "an unknown address"
        if let field = request.headers[.authorization] {
            // A wrong token is no token, whatever cookie comes with it.
            guard field.lowercased().hasPrefix("bearer "),
                let role = tokens.role(of: field.dropFirst(7).drop { $0 == " " })
            else { return nil }
            return Caller(role: role, name: "a \(role == .full ? "" : "read-only ")token, from \(address)")
        }
        guard let cookie = request.cookies[Self.cookieName]?.value, let role = sessions.role(of: cookie)
        else {
            return nil
        }
        return Caller(role: role, name: "a browser, from \(address)", isCookie: true)
    }

    /// The dashboard's files hold no data, and signing in comes before everything.
    private func isPublic(_ request: Request) -> Bool {
        guard Self.reads(request.method) else { return false }
        let path = ownPath(request)
        return path.isEmpty || path == "/" || path == "/login" || DashboardFiles.has(String(path.dropFirst()))
    }

    /// It changes nothing but the sender's own session.
    private func isSigningOut(_ request: Request) -> Bool {
        request.method == .post && ownPath(request) == "/api/v1/logout"
    }

    /// The path of a request, without what a proxy puts before it.
    private func ownPath(_ request: Request) -> Substring {
        let path = request.uri.path[...]
        guard case .network(_, let allowed) = entrance, !allowed.prefix.isEmpty,
            path.hasPrefix(allowed.prefix)
        else { return path }
        return path.dropFirst(allowed.prefix.count)
    }

    private func harden(_ response: inout Response) {
        response.headers[.contentSecurityPolicy] =
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
            + "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        response.headers[.xContentTypeOptions] = "nosniff"
        response.headers[HTTPField.Name("Referrer-Policy")!] = "no-referrer"
        response.headers[HTTPField.Name("Cross-Origin-Resource-Policy")!] = "same-origin"
        response.headers[HTTPField.Name("Cross-Origin-Opener-Policy")!] = "same-origin"
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
    }
}
