import Foundation
import MIOBase
import MIODaemon
import MIODaemonClient
import MIOFiles
import MIORunIndex
import ProcessSupport
import TestFolders
import Testing

@Suite struct AccessTests {
    @Test func asksForAToken() throws {
        let daemon = try RunningDaemon()
        let token = try daemon.token()
        #expect(try daemon.ask("/api/v1/runs").status == 401)
        #expect(try daemon.ask("/api/v1/runs").header("WWW-Authenticate") == "Bearer")
        #expect(try daemon.ask("/metrics").status == 401)
        #expect(try daemon.ask("/api/v1/runs", token: "wrong").status == 401)
        #expect(try daemon.ask("/api/v1/runs", token: "").status == 401)
        #expect(try daemon.ask("/api/v1/runs", token: String(token.reversed())).status == 401)
        #expect(try daemon.ask("/api/v1/runs", token: token + "x").status == 401)
        #expect(try daemon.ask("/api/v1/runs", token: token).status == 200)
        #expect(try daemon.ask("/api/v1/runs", headers: ["Authorization: Basic \(token)"]).status == 401)
        // The page itself holds no data: it says how to sign in.
        #expect(try daemon.ask("/").status == 200)
        #expect(try daemon.ask("/dashboard.js").status == 200)
        #expect(try daemon.ask("POST", "/").status == 401)
    }

    @Test func aReadOnlyTokenChangesNothing() throws {
        let daemon = try RunningDaemon()
        let token = try daemon.token("token-read-only")
        #expect(try daemon.ask("/api/v1/runs", token: token).status == 200)
        #expect(try daemon.ask("POST", "/api/v1/reindex", token: token, body: "{}").status == 403)
        #expect(try daemon.ask("POST", "/api/v1/links", token: token, body: "{}").status == 403)
        #expect(try daemon.ask("DELETE", "/api/v1/runs", token: token).status == 403)
        #expect(
            try daemon.ask("POST", "/api/v1/reindex", token: try daemon.token(), body: "{}").status == 200)
    }

    @Test func tokensAreForTheirUserAlone() throws {
        let daemon = try RunningDaemon()
        for name in ["token", "token-read-only"] {
            var status = stat()
            #expect(stat(daemon.folder.path("state/" + name), &status) == 0)
            #expect(status.st_mode & 0o777 == 0o600)
        }
        let folder = try TemporaryFolder()
        let tokens = try Tokens(folder: folder.path)
        let text = String(decoding: try folder.bytes(of: "token"), as: UTF8.self).dropLast()
        #expect(tokens.role(of: text) == .full)
        #expect(try Tokens(folder: folder.path).role(of: text) == .full)
        #expect(chmod(folder.path("token"), 0o640) == 0)
        #expect(throws: RunError.self) { try Tokens(folder: folder.path) }
        #expect(unlink(folder.path("token")) == 0)
        #expect(symlink("/etc/hostname", folder.path("token")) == 0)
        #expect(throws: FileError.self) { try Tokens(folder: folder.path) }
        #expect(unlink(folder.path("token")) == 0)
        _ = try folder.write(Array("short\n".utf8), to: "token")
        #expect(chmod(folder.path("token"), 0o600) == 0)
        #expect(throws: RunError.self) { try Tokens(folder: folder.path) }
    }

    @Test func secretsAreComparedWhole() {
        #expect(Secret.isEqual("abc", "abc"))
        for other in ["", "a", "ab", "abd", "xbc", "abcabc", "abcd", "ABC"] {
            #expect(!Secret.isEqual(other, "abc"))
        }
        #expect(Secret.make() != Secret.make())
        #expect(Secret.make().count == 64)
    }

    /// A name of somebody else that points to this machine (DNS rebinding).
    @Test(arguments: [
        "evil.example", "evil.example:80", "127.0.0.1", "localhost:1", "127.0.0.1.evil.example", "",
    ])
    func refusesOtherHosts(_ host: String) throws {
        let daemon = try RunningDaemon()
        let answer = try daemon.ask("/api/v1/runs", token: try daemon.token(), host: host)
        #expect([400, 421].contains(answer.status))
        #expect(try daemon.ask("/", host: host).status == answer.status)
        #expect(
            try daemon.ask("/api/v1/runs", token: try daemon.token(), host: "LOCALHOST:\(daemon.port)").status
                == 200)
    }

    @Test func refusesPagesOfOthers() throws {
        let daemon = try RunningDaemon()
        let token = try daemon.token()
        for origin in [
            "https://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1:\(daemon.port + 1)",
        ] {
            #expect(
                try daemon.ask("/api/v1/runs", token: token, headers: ["Origin: \(origin)"]).status == 403)
        }
        let own = "Origin: http://127.0.0.1:\(daemon.port)"
        #expect(try daemon.ask("/api/v1/runs", token: token, headers: [own]).status == 200)
        // A form of another page can send this without asking for permission first.
        let form =
            "POST /api/v1/links HTTP/1.1\r\nHost: 127.0.0.1:\(daemon.port)\r\nAuthorization: Bearer \(token)\r\n"
            + "Content-Type: text/plain\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
        #expect(try TestSocket.exchange(form, TestSocket.connect(port: daemon.port)).status == 415)
    }

    @Test func aLinkSignsABrowserInOnce() throws {
        let daemon = try RunningDaemon()
        let client = DaemonClient(socket: daemon.socket)
        guard case .dictionary(let link) = try client.post("/api/v1/links", .dictionary([:])),
            case .string(let url)? = link["url"]
        else { throw TestSocket.Failure("no link") }
        #expect(url.hasPrefix("http://127.0.0.1:\(daemon.port)/login?code="))
        let path = String(url.dropFirst("http://127.0.0.1:\(daemon.port)".count))
        let opened = try daemon.ask(path)
        #expect(opened.status == 303)
        let field = try #require(opened.header("Set-Cookie"))
        #expect(
            field.contains("; HttpOnly") && field.contains("; SameSite=Strict") && field.contains("; Path=/;")
        )
        #expect(try daemon.ask(path).status == 403)
        #expect(try daemon.ask("/login?code=").status == 403)
        let cookie = "Cookie: " + field.prefix { $0 != ";" }
        let own = "Origin: http://127.0.0.1:\(daemon.port)"
        #expect(try daemon.ask("/api/v1/runs", headers: [cookie]).status == 200)
        #expect(try daemon.ask("/api/v1/runs", token: "wrong", headers: [cookie]).status == 401)
        // A request that a page of others made the browser send.
        #expect(try daemon.ask("POST", "/api/v1/reindex", headers: [cookie], body: "{}").status == 403)
        #expect(
            try daemon.ask(
                "POST", "/api/v1/reindex", headers: [cookie, "Origin: https://evil.example"], body: "{}"
            ).status == 403)
        #expect(try daemon.ask("POST", "/api/v1/reindex", headers: [cookie, own], body: "{}").status == 200)
        #expect(try daemon.ask("POST", "/api/v1/logout", headers: [cookie, own], body: "{}").status == 200)
        #expect(try daemon.ask("/api/v1/runs", headers: [cookie]).status == 401)
    }

    /// It changes nothing but the browser's own session.
    @Test func aReadOnlyBrowserSignsOut() throws {
        let daemon = try RunningDaemon()
        let client = DaemonClient(socket: daemon.socket)
        guard
            case .dictionary(let link) = try client.post("/api/v1/links", .dictionary(["role": "read_only"])),
            case .string(let url)? = link["url"]
        else { throw TestSocket.Failure("no link") }
        let opened = try daemon.ask(String(url.dropFirst("http://127.0.0.1:\(daemon.port)".count)))
        let field = try #require(opened.header("Set-Cookie"))
        let cookie = "Cookie: " + field.prefix { $0 != ";" }
        let own = "Origin: http://127.0.0.1:\(daemon.port)"
        #expect(try daemon.ask("POST", "/api/v1/reindex", headers: [cookie, own], body: "{}").status == 403)
        // A page of somebody else does not sign it out.
        #expect(try daemon.ask("POST", "/api/v1/logout", headers: [cookie], body: "{}").status == 403)
        #expect(try daemon.ask("POST", "/api/v1/logout", headers: [cookie, own], body: "{}").status == 200)
        #expect(try daemon.ask("/api/v1/runs", headers: [cookie]).status == 401)
    }

    /// A misspelt key of a request for a read-only link gives no full one.
    @Test func aLinksRequestHasNoOtherKeys() throws {
        let daemon = try RunningDaemon()
        let token = try daemon.token()
        let other = try daemon.ask("POST", "/api/v1/links", token: token, body: #"{"may": "look"}"#)
        #expect(other.status == 422 && other.body.contains("unknown key"), "\(other)")
        #expect(try daemon.ask("POST", "/api/v1/links", token: token).status == 200)
    }

    @Test func aReadOnlyLinkReads() throws {
        let sessions = Sessions()
        let now = ContinuousClock.now
        let cookie = try #require(sessions.open(sessions.makeLink(.readOnly, now: now), now: now))
        #expect(sessions.role(of: cookie, now: now) == .readOnly)
        #expect(sessions.role(of: cookie, now: now + .seconds(13 * 3600)) == nil)
        let late = sessions.makeLink(.full, now: now)
        #expect(sessions.open(late, now: now + .seconds(301)) == nil)
        #expect(!Caller.Role.readOnly.allows(.full))
    }

    @Test func theSocketIsForItsUserAlone() throws {
        let daemon = try RunningDaemon()
        var status = stat()
        #expect(stat(daemon.socket, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        #expect(status.st_mode & S_IFMT == S_IFSOCK)
        let get = "GET /api/v1/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        #expect(try TestSocket.exchange(get, UnixConnection.open(daemon.socket)).status == 200)
        #expect(PeerUser(process: 1, user: 1000).isAllowed(own: 1000))
        #expect(PeerUser(process: 1, user: 0).isAllowed(own: 1000))
        #expect(!PeerUser(process: 1, user: 1001).isAllowed(own: 1000))
        // Only root can become another user.
        guard geteuid() == 0 else { return }
        let script =
            "use IO::Socket::UNIX; my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or do { print \"no: $!\"; exit 3 };"
            + "print $s \"GET /api/v1/me HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n\"; print while <$s>;"
        func other() throws -> SpawnedProcess.Outcome {
            try SpawnedProcess([
                "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "perl", "-e", script,
                daemon.socket,
            ]).wait(atMost: 30)
        }
        let refused = try other()
        #expect(refused.status == 3 && refused.output.contains("Permission denied"), "\(refused)")
        // Even if somebody opens the socket and its folders to all, the daemon asks the kernel who is there.
        for path in [daemon.socket, daemon.folder.path("private"), daemon.folder.path] {
            #expect(chmod(path, 0o777) == 0)
        }
        let connected = try other()
        #expect(
            connected.output.contains("403") && connected.output.contains("another user's"), "\(connected)")
    }

    @Test func listensToOthersOnlyWhenTold() throws {
        let folder = try TemporaryFolder()
        let index = try RunIndex(path: folder.path("i.sqlite"), roots: [folder.path])
        var settings = DaemonSettings(
            socket: folder.path("s/d.sock"), stateFolder: folder.path("state"), program: "/nonexistent/mio",
            cores: 4)
        settings.port = 1
        settings.host = "0.0.0.0"
        #expect(throws: RunError.self) { try Daemon(settings, index: index) }
        settings.host = "127.0.0.1"
        settings.publicURL = "javascript:alert(1)"
        #expect(throws: RunError.self) { try Daemon(settings, index: index) }
        settings.port = nil
        settings.publicURL = "https://host/"
        #expect(throws: RunError.self) { try Daemon(settings, index: index) }
    }

    @Test func worksUnderAPrefix() throws {
        let daemon = try RunningDaemon { $0.publicURL = "https://cluster.example/mio/" }
        let token = try daemon.token()
        for path in ["/mio/api/v1/runs", "/api/v1/runs"] {
            #expect(try daemon.ask(path, token: token, host: "cluster.example").status == 200)
            #expect(try daemon.ask(path, host: "cluster.example").status == 401)
        }
        #expect(try daemon.ask("/mio/", host: "cluster.example").status == 200)
        #expect(try daemon.ask("/mio/dashboard.css", host: "cluster.example").status == 200)
        let own = ["Origin: https://cluster.example"]
        #expect(
            try daemon.ask("/mio/api/v1/me", token: token, headers: own, host: "cluster.example").status
                == 200)
        guard
            case .dictionary(let link) = try DaemonClient(socket: daemon.socket).post(
                "/api/v1/links", .dictionary([:])),
            case .string(let url)? = link["url"]
        else { throw TestSocket.Failure("no link") }
        #expect(url.hasPrefix("https://cluster.example/mio/login?code="))
        let opened = try daemon.ask(
            String(url.dropFirst("https://cluster.example".count)), host: "cluster.example")
        let cookie = try #require(opened.header("Set-Cookie"))
        #expect(cookie.contains("; Path=/mio/;") && cookie.contains("; Secure"))
    }
}
