import Foundation
import MIOBase
import MIOConfig
import MIOFiles
import MIOSystem

/// Asks the daemon through its Unix socket. One request a connection, and small answers: HTTP/1.0, which has no chunks.
package struct DaemonClient: Sendable {
    package let socket: String
    /// Bytes of an answer, and seconds that it may take.
    private static let most = 64 << 20
    private static let patience = 60

    package init(socket: String = DaemonPlaces.socket()) { self.socket = socket }

    /// - Returns: the JSON that the daemon answers with.
    /// - Throws: `RunError` with the daemon's words where it refuses, or what to do where it does not answer.
    package func get(_ path: String) throws -> ConfigValue { try ask("GET", path, body: nil) }

    package func post(_ path: String, _ body: ConfigValue) throws -> ConfigValue {
        try ask("POST", path, body: body.json())
    }

    private func ask(_ method: String, _ path: String, body: String?) throws -> ConfigValue {
        let answer = try exchange(method, path, body: body)
        let value = (try? ConfigValue(orderedJSON: answer.body)) ?? .null
        guard (200..<300).contains(answer.status) else {
            var message = "the daemon answered \(answer.status)"
            if case .dictionary(let values) = value, case .dictionary(let error)? = values["error"],
                case .string(let text)? = error["message"]
            {
                message = text
            }
            throw RunError(
                message,
                exitCode: answer.status == 404 ? .missingInput : answer.status < 500 ? .usage : .internalError
            )
        }
        return value
    }

    private func exchange(_ method: String, _ path: String, body: String?) throws -> (
        status: Int, body: [UInt8]
    ) {
        let descriptor: Int32
        do throws(FileError) {
            descriptor = try UnixConnection.open(socket)
        } catch {
            throw RunError(
                "no daemon answers at \(socket.shown(most: 200)) (\(error.reason)): start `mio-coordinator serve --runs FOLDER`, or name "
                    + "its socket with --socket", exitCode: .missingInput)
        }
        defer { _ = close(descriptor) }
        var time = timeval(tv_sec: Self.patience, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        var request = "\(method) \(path) HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n"
        if let body { request += "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n" }
        request += "\r\n" + (body ?? "")
        var rest = Array(request.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, withoutSignal)
            }
            guard count > 0 else { throw FileError.system("write to", socket, code: errno) }
            rest = rest.dropFirst(count)
        }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count < Self.most {
            let count = recv(descriptor, &piece, piece.count, 0)
            guard count >= 0 else { throw FileError.system("read the answer of", socket, code: errno) }
            if count == 0 { break }
            bytes += piece[..<count]
        }
        return try Self.parse(bytes)
    }

    /// - Parameter bytes: a whole answer.
    static func parse(_ bytes: [UInt8]) throws -> (status: Int, body: [UInt8]) {
        let end = Array("\r\n\r\n".utf8)
        guard let place = bytes.firstRange(of: end) else {
            throw RunError("the daemon ended without an answer: see its log", exitCode: .internalError)
        }
        let lines = String(decoding: bytes[..<place.lowerBound], as: UTF8.self).split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count > 1, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            throw RunError("what answers at the socket is no daemon of mio", exitCode: .usage)
        }
        let body = Array(bytes[place.upperBound...])
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == "content-length" else { continue }
            guard let length = Int(parts[1].trimmingCharacters(in: .whitespaces)), length <= body.count else {
                throw RunError("the daemon's answer was cut off", exitCode: .inputOutput)
            }
            return (status, Array(body[..<length]))
        }
        return (status, body)
    }
}
