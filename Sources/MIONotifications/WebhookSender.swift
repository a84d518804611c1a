import CCurl
import Foundation
import MIOBase
import MIOJob

/// Sends a message to an address, once.
struct WebhookSender: NotificationSender {
    let webhook: RunNotification.Webhook

    /// The address without what might be secret: the path of some services' addresses is.
    var name: String {
        switch webhook.address {
        case .url(let text):
            let url = URLComponents(string: text)
            let port = url?.port.map { ":\($0)" } ?? ""
            return "webhook \(url?.scheme ?? "")://\(shown: (url?.host ?? "") + port)"
        case .file(let path): return "webhook of \(path.shown(most: 300))"
        }
    }

    var mostTries: Int { 6 }

    func send(_ message: NotificationMessage, within seconds: Double, isAbandoned: () -> Bool) -> SendOutcome
    {
        do {
            let body = Array(try message.json().utf8)
            let url =
                switch webhook.address {
                case .url(let url): url
                case .file(let path): try SecretFile.url(path)
                }
            let signature = try WebhookSignature(
                id: message.id, timestamp: Int(Date().timeIntervalSince1970), body: body,
                key: try webhook.secretFile.map(SecretFile.key))
            return Self.post(
                url, body, signature.headers, agent: "mio/\(message.mioVersion ?? "")", within: seconds)
        } catch {
            return .failed("\(error)", mayBeTriedAgain: false)
        }
    }

    private static let isReady = mio_curl_begin() == CURLE_OK

    private static func post(
        _ url: String, _ body: [UInt8], _ headers: [String], agent: String, within seconds: Double
    ) -> SendOutcome {
        guard isReady else { return .failed("libcurl cannot be used", mayBeTriedAgain: false) }
        // A server that is asked whether it wants the body may let that wait.
        let lines = (["Content-Type: application/json", "Expect:"] + headers).map { strdup($0) }
        defer { for line in lines { free(line) } }
        let pointers = lines.map { line in line.map { UnsafePointer($0) } }
        var status = 0
        var reason = [CChar](repeating: 0, count: Int(CURL_ERROR_SIZE))
        let code = mio_curl_post(
            url, pointers, Int32(pointers.count), agent, body, body.count, max(1, Int(seconds * 1000)),
            &status,
            &reason)
        guard code == CURLE_OK else {
            let words = String(
                decoding: reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            return .failed(
                words.isEmpty ? String(cString: curl_easy_strerror(code)) : words, mayBeTriedAgain: true)
        }
        switch status {
        case 200...299: return .sent
        case 300...399:
            return .failed(
                "answered \(status), a redirection, which is not followed: name the address that it moved to",
                mayBeTriedAgain: false)
        // Too many requests, and what a server may get over.
        case 408, 425, 429, 500...599: return .failed("answered \(status)", mayBeTriedAgain: true)
        default: return .failed("answered \(status)", mayBeTriedAgain: false)
        }
    }
}
