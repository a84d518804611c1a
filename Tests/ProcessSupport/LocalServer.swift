import Foundation
import Synchronization

/// An HTTP server on this machine's loopback address. It answers as it is told, and keeps what it was sent.
package final class LocalServer: Sendable {
    package struct Request: Sendable {
        package let line: String
        /// By their names in small letters.
        package let headers: [String: String]
        package let body: [UInt8]
    }

    package enum Answer: Sendable {
        case status(Int)
        case redirection(to: String)
        /// The connection stays open, and nothing comes.
        case none
    }

    package let port: Int
    private let socket: Int32
    private let state: Mutex<(answers: [Answer], requests: [Request])>

    /// - Parameter answers: to the first requests; the last one to all later ones.
    /// - Throws: `SpawnedProcess.Failure`
    package init(_ answers: [Answer]) throws {
        state = Mutex((answers, []))
        socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let socket = socket
        let isReady = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(socket, address, size) == 0 && listen(socket, 16) == 0
                    && getsockname(socket, address, &size) == 0
            }
        }
        guard isReady else { throw SpawnedProcess.Failure("no server: \(String(cString: strerror(errno)))") }
        port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread { [self] in
            while true {
                let connection = accept(socket, nil, nil)
                guard connection >= 0 else { return }
                Thread.detachNewThread { [self] in serve(connection) }
            }
        }
    }

    package var url: String { "http://127.0.0.1:\(port)/hook" }

    package var requests: [Request] { state.withLock { $0.requests } }

    package func stop() { shutdown(socket, Int32(SHUT_RDWR)) }

    private func serve(_ connection: Int32) {
        defer { close(connection) }
        guard let request = read(connection) else { return }
        let answer = state.withLock { state in
            state.requests.append(request)
            return state.answers.count > 1 ? state.answers.removeFirst() : state.answers[0]
        }
        var text: String
        switch answer {
        case .status(let status): text = "HTTP/1.1 \(status) As told\r\n"
        case .redirection(let place): text = "HTTP/1.1 307 Elsewhere\r\nLocation: \(place)\r\n"
        case .none:
            // Until the other side gives up.
            var byte: UInt8 = 0
            _ = Foundation.read(connection, &byte, 1)
            return
        }
        text += "Content-Length: 0\r\nConnection: close\r\n\r\n"
        _ = send(connection, text, text.utf8.count, Int32(MSG_NOSIGNAL))
    }

    private func read(_ connection: Int32) -> Request? {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = Foundation.read(connection, &piece, piece.count)
            guard count > 0 else { return nil }
            bytes += piece[..<count]
            guard let end = Data(bytes).range(of: Data("\r\n\r\n".utf8)) else { continue }
            let lines = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).components(
                separatedBy: "\r\n")
            var headers: [String: String] = [:]
            for line in lines.dropFirst() {
                let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
                if parts.count == 2 {
                    headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
                }
            }
            let length = headers["content-length"].flatMap(Int.init) ?? 0
            guard bytes.count >= end.upperBound + length else { continue }
            return Request(
                line: lines[0], headers: headers, body: Array(bytes[end.upperBound..<end.upperBound + length])
            )
        }
    }
}
