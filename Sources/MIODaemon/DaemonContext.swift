import HTTPTypes
import Hummingbird
import MIOBase
import MIOConfig
import NIOCore

/// What routes know of a request beside itself.
struct DaemonContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel
    /// Set by the gate; `nil` only for what everybody may see.
    var caller: Caller?

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }
}

/// An answer that says what is wrong.
struct APIError: Error {
    let status: HTTPResponse.Status
    let message: String

    init(_ status: HTTPResponse.Status, _ message: String) {
        self.status = status
        self.message = message
    }

    var response: Response {
        var response = Response.json(
            .dictionary(["error": .dictionary(["message": .string(message.shownMessage())])]), status: status)
        if status == .unauthorized { response.headers[.wwwAuthenticate] = "Bearer" }
        return response
    }
}

extension Response {
    static func json(_ value: ConfigValue, status: HTTPResponse.Status = .ok) -> Response {
        text(value.json(), type: "application/json", status: status)
    }

    static func text(
        _ text: String, type: String = "text/plain; charset=utf-8", status: HTTPResponse.Status = .ok
    ) -> Response {
        Response(
            status: status, headers: [.contentType: type],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}

extension Request {
    /// A number in the query.
    /// - Throws: `APIError` if it is none, or outside the range.
    func integer(_ name: String, _ range: ClosedRange<Int>, default value: Int) throws -> Int {
        guard let text = text(name) else { return value }
        guard let number = Int(text), range.contains(number) else {
            throw APIError(
                .badRequest,
                "\(name)=\(text.shown()): expected a whole number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return number
    }

    func text(_ name: String) -> String? { texts(name).first }

    /// All values of a name in the query. As forms write it, a `+` is a space.
    func texts(_ name: String) -> [String] {
        (uri.query ?? "").split(separator: "&").compactMap { part in
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                .map { $0.replacing("+", with: " ").removingPercentEncoding }
            return sides.count == 2 && sides[0] == name ? sides[1] : nil
        }
    }
}
