import HTTPTypes
import Hummingbird

/// The dashboard's files, which are part of the program: nothing is fetched from elsewhere.
enum DashboardFiles {
    private struct File {
        let bytes: [UInt8]
        let type: String
    }

    private static let files: [String: File] = [
        "index.html": File(bytes: PackageResources.index_html, type: "text/html; charset=utf-8"),
        "dashboard.css": File(bytes: PackageResources.dashboard_css, type: "text/css; charset=utf-8"),
        "dashboard.js": File(bytes: PackageResources.dashboard_js, type: "text/javascript; charset=utf-8"),
        "curves.js": File(bytes: PackageResources.curves_js, type: "text/javascript; charset=utf-8"),
        "openapi.json": File(bytes: PackageResources.openapi_json, type: "application/json"),
    ]

    static func has(_ name: String) -> Bool { name != "openapi.json" && files[name] != nil }

    static func text(_ name: String) -> String? {
        files[name].map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    static func add(to router: some RouterMethods<DaemonContext>) {
        router.get("/") { _, _ in response("index.html") }
        for name in files.keys where has(name) { router.get(RouterPath(name)) { _, _ in response(name) } }
    }

    private static func response(_ name: String) -> Response {
        guard let file = files[name] else { return APIError(.notFound, "no such file").response }
        return Response(
            status: .ok, headers: [.contentType: file.type, .cacheControl: "no-cache"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: file.bytes)))
    }
}
