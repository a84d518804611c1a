import CCrypto
import Foundation
import MIOBase

/// The signature of a webhook, as the Standard Webhooks specification has it: HMAC-SHA256 over `ID.TIMESTAMP.BODY`, in base 64.
/// (https://www.standardwebhooks.com)
///
/// The receiver computes the same, compares, and refuses old timestamps: nobody can send a message again later.
package struct WebhookSignature: Hashable, Sendable {
    package let id: String
    /// Seconds since 1970.
    package let timestamp: Int
    package let signature: String?

    /// - Parameters:
    ///   - key: unsigned without one.
    /// - Throws: `RunError` if libcrypto has no HMAC-SHA256.
    package init(id: String, timestamp: Int, body: [UInt8], key: [UInt8]?) throws(RunError) {
        self.id = id
        self.timestamp = timestamp
        guard let key else {
            signature = nil
            return
        }
        signature =
            "v1,"
            + Data(try Self.hmac(Array("\(id).\(timestamp).".utf8) + body, key: key)).base64EncodedString()
    }

    private static func hmac(_ message: [UInt8], key: [UInt8]) throws(RunError) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: 32)
        guard mio_hmac_sha256(key, Int32(key.count), message, message.count, &result) == 1 else {
            throw RunError("libcrypto refuses HMAC-SHA256", exitCode: .inputOutput)
        }
        return result
    }

    /// The lines of the request.
    package var headers: [String] {
        ["webhook-id: \(id)", "webhook-timestamp: \(timestamp)"]
            + (signature.map { ["webhook-signature: \($0)"] } ?? [])
    }
}
