import Foundation
import HTTPTypes
import Hummingbird
import MIOBase
import MIOConfig
import NIOCore

/// The JSON object that a request brings, with the names of its keys in every message.
struct JSONBody {
    static let most = 64 << 10
    private var values: ConfigDictionary

    /// - Throws: `APIError`: too large, another type, not JSON.
    init(_ request: Request) async throws {
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > Self.most {
            throw APIError(.contentTooLarge, "the body has \(length) bytes; expected at most \(Self.most)")
        }
        let buffer: ByteBuffer
        do {
            buffer = try await request.body.collect(upTo: Self.most)
        } catch is NIOTooManyBytesError {
            throw APIError(.contentTooLarge, "the body has more than \(Self.most) bytes")
        }
        values = ConfigDictionary()
        guard buffer.readableBytes > 0 else { return }
        // Forms of other pages cannot send this type without being asked for permission first.
        guard request.headers[.contentType]?.lowercased().hasPrefix("application/json") == true else {
            throw APIError(.unsupportedMediaType, "expected Content-Type: application/json")
        }
        guard case .dictionary(let values)? = try? ConfigValue(orderedJSON: Array(buffer.readableBytesView))
        else {
            throw APIError(.badRequest, "the body is not a JSON object")
        }
        self.values = values
    }

    func optionalText(_ key: String) throws -> String? {
        switch values[key] {
        case nil, .null: nil
        case .string(let text): text
        case let other?: throw APIError(.badRequest, "\(key): expected a text, found \(other.summary)")
        }
    }

    func text(_ key: String) throws -> String {
        guard let text = try optionalText(key) else { throw APIError(.badRequest, "\(key) is missing") }
        return text
    }

    func integer(_ key: String, _ range: ClosedRange<Int>) throws -> Int {
        guard case .integer(let number)? = values[key], range.contains(number) else {
            throw APIError(
                .badRequest,
                "\(key): expected a whole number from \(range.lowerBound) to \(range.upperBound), found \((values[key] ?? .null).summary)"
            )
        }
        return number
    }

    func texts(_ key: String) throws -> [String] {
        switch values[key] {
        case nil, .null: return []
        case .list(let entries):
            return try entries.map { entry in
                guard case .string(let text) = entry else {
                    throw APIError(
                        .badRequest, "\(key): expected a list of texts, found \(entry.summary) in it")
                }
                return text
            }
        case let other?:
            throw APIError(.badRequest, "\(key): expected a list of texts, found \(other.summary)")
        }
    }

    /// - Throws: `APIError` for a key that nobody knows.
    func verify(keys: [String], status: HTTPResponse.Status = .badRequest) throws {
        for key in values.keys where !keys.contains(key) {
            throw APIError(status, "unknown key \(quoted: key); expected \(listed(keys))")
        }
    }
}
