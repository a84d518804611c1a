import Foundation
import MIOBase

/// The names and origins under which a browser may reach the daemon over TCP.
///
/// A page of others can make its own name point to 127.0.0.1 (DNS rebinding); its requests then have that name in `Host`. And it can
/// send requests here (cross-site request forgery); they have its origin in `Origin`.
struct AllowedHosts: Sendable {
    let hosts: Set<String>
    let origins: Set<String>
    /// With a `/` at its end.
    let baseURL: String
    /// `/mio` for `https://host/mio`, else empty.
    let prefix: String
    let isEncrypted: Bool

    /// - Parameter publicURL: what a proxy calls it.
    /// - Throws: `RunError` for a URL that is none.
    init(host: String, port: Int, publicURL: String?) throws(RunError) {
        let name = host.contains(":") ? "[\(host)]" : host
        var hosts: Set<String> = []
        for loopback in ["localhost", "127.0.0.1", "[::1]"] { hosts.insert("\(loopback):\(port)") }
        if !["0.0.0.0", "[::]"].contains(name) { hosts.insert("\(name.lowercased()):\(port)") }
        var origins = Set(hosts.map { "http://" + $0 })
        guard let publicURL else {
            let shown = ["0.0.0.0", "[::]"].contains(name) ? "127.0.0.1" : name
            (self.hosts, self.origins, prefix, isEncrypted) = (hosts, origins, "", false)
            baseURL = "http://\(shown):\(port)/"
            return
        }
        guard let url = URLComponents(string: publicURL), let scheme = url.scheme?.lowercased(),
            ["http", "https"].contains(scheme), let urlHost = url.host?.lowercased(), !urlHost.isEmpty,
            url.query == nil,
            url.fragment == nil, url.user == nil
        else {
            throw RunError(
                "--public-url \(quoted: publicURL): expected https://HOST or https://HOST/PATH",
                exitCode: .usage)
        }
        let isDefaultPort = url.port == nil || url.port == (scheme == "https" ? 443 : 80)
        let place = isDefaultPort ? urlHost : "\(urlHost):\(url.port ?? 0)"
        hosts.insert(place)
        origins.insert("\(scheme)://\(place)")
        var path = url.path
        while path.hasSuffix("/") { path.removeLast() }
        guard
            path.utf8.allSatisfy({ byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || [0x2D, 0x2E, 0x2F, 0x5F].contains(byte)
            })
        else {
            throw RunError(
                "--public-url \(quoted: publicURL): the path may have letters, digits, -, _, . and /",
                exitCode: .usage)
        }
        (self.hosts, self.origins) = (hosts, origins)
        prefix = path
        baseURL = "\(scheme)://\(place)\(path)/"
        isEncrypted = scheme == "https"
    }

    func allows(host: String?) -> Bool { host.map { hosts.contains($0.lowercased()) } ?? false }
    func allows(origin: String) -> Bool { origins.contains(origin.lowercased()) }
}
