import Foundation
import Hummingbird
import MIOBase
import MIOConfig
import MIORunIndex

/// The daemon itself: signing in, the stream of changes, metrics, and its description.
struct DaemonRoutes {
    let keeper: IndexKeeper
    let queue: any RunQueue
    let sessions: Sessions
    let hosts: AllowedHosts?
    let began = Date()

    func add(to router: some RouterMethods<DaemonContext>) {
        router.get("login") { request, _ in login(request) }
        router.get("metrics") { _, _ in try await metrics() }
        router.get("api/v1/openapi.json") { _, _ in
            Response.text(DashboardFiles.text("openapi.json") ?? "{}", type: "application/json")
        }
        router.get("api/v1/events") { _, _ in try events() }
        router.get("api/v1/me") { _, context in
            Response.json(
                .dictionary([
                    "name": .string(context.caller?.name ?? ""),
                    "role": .string(context.caller?.role.rawValue ?? ""),
                    "roots": .list(keeper.index.roots.map(ConfigValue.string)),
                ]))
        }
        router.post("api/v1/links") { request, _ in try await link(request) }
        router.post("api/v1/logout") { request, _ in logout(request) }
        router.post("api/v1/reindex") { _, _ in
            try await keeper.rebuild()
            return Response.json(.dictionary(["lines": .integer(keeper.index.counted.lines)]))
        }
    }

    // MARK: Signing in

    private func link(_ request: Request) async throws -> Response {
        guard let hosts else {
            throw APIError(
                .conflict,
                "browsers cannot reach a Unix socket: start the daemon with --port, or let a proxy of this user forward to it"
            )
        }
        let body = try await JSONBody(request)
        // A misspelt role would give all rights.
        try body.verify(keys: ["role"], status: .unprocessableContent)
        let role = Caller.Role(rawValue: try body.optionalText("role") ?? Caller.Role.full.rawValue)
        guard let role else { throw APIError(.badRequest, "role: expected full or read_only") }
        return .json(
            .dictionary([
                "url": .string(hosts.baseURL + "login?code=" + sessions.makeLink(role)),
                "seconds": .integer(Int(Sessions.linkLife.components.seconds)),
                "role": .string(role.rawValue),
            ]))
    }

    private func login(_ request: Request) -> Response {
        guard let cookie = sessions.open(request.text("code") ?? "") else {
            return .text(
                "This link was used already, or is too old. `mio-coordinator link` makes another.\n",
                status: .forbidden)
        }
        var response = Response(status: .seeOther, headers: [.location: "./"])
        response.headers[.setCookie] = setCookie(cookie, age: Int(Sessions.sessionLife.components.seconds))
        return response
    }

    private func logout(_ request: Request) -> Response {
        if let cookie = request.cookies[AccessGate.cookieName]?.value { sessions.close(cookie) }
        var response = Response.json(.dictionary([:]))
        response.headers[.setCookie] = setCookie("", age: 0)
        return response
    }

    private func setCookie(_ value: String, age: Int) -> String {
        "\(AccessGate.cookieName)=\(value); Path=\(hosts?.prefix ?? "")/; Max-Age=\(age); HttpOnly; SameSite=Strict"
            + (hosts?.isEncrypted == true ? "; Secure" : "")
    }

    // MARK: Changes

    private func events() throws -> Response {
        guard let (stream, leave) = keeper.viewers.add() else {
            throw APIError(.tooManyRequests, "\(Viewers.most) browsers are watching already")
        }
        return Response(
            status: .ok,
            // For nginx: pieces are to be passed on at once.
            headers: [.contentType: "text/event-stream", .init("X-Accel-Buffering")!: "no"],
            body: ResponseBody { writer in
                defer { leave() }
                try await writer.write(ByteBuffer(string: "retry: 3000\n\n"))
                for await piece in stream { try await writer.write(ByteBuffer(string: piece)) }
                try await writer.finish(nil)
            })
    }

    // MARK: Metrics

    private func metrics() async throws -> Response {
        await keeper.freshen()
        await queue.look()
        return .text(
            try PrometheusText.make(keeper.index, began: began, viewers: keeper.viewers.count),
            type: "text/plain; version=0.0.4; charset=utf-8")
    }
}
