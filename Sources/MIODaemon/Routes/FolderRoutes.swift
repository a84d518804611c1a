import Foundation
import Hummingbird
import MIOBase
import MIOConfig
import MIOFiles
import MIORunFolder
import MIORunIndex
import MIOTrace

/// What is read from a run's folder when somebody asks: checkpoints, events, logs, a trace.
struct FolderRoutes {
    let keeper: IndexKeeper

    func add(to group: some RouterMethods<DaemonContext>) {
        group.get("runs/:key/checkpoints") { _, context in try checkpoints(context) }
        group.get("runs/:key/events") { _, context in try events(context) }
        group.get("runs/:key/logs") { _, context in try logs(context) }
        group.get("runs/:key/logs/:attempt/:log") { request, context in try log(request, context) }
        group.get("runs/:key/trace") { request, context in try trace(request, context) }
    }

    private func folder(_ context: DaemonContext) throws -> ConfinedFolder {
        try keeper.index.folder(of: try RunRoutes.run(context, keeper.index).path)
    }

    private func checkpoints(_ context: DaemonContext) throws -> Response {
        let folder = try folder(context)
        var found: [ConfigValue] = []
        if folder.status("checkpoints")?.kind == .folder {
            let checkpoints = try folder.folder("checkpoints")
            for name in try checkpoints.names() where name.hasPrefix("step-") {
                guard let step = Int(name.dropFirst(5)), let one = try? checkpoints.folder(name) else {
                    continue
                }
                let files = ((try? one.names()) ?? []).compactMap { one.status($0) }.filter {
                    $0.kind == .file
                }
                found.append(
                    .dictionary([
                        "name": .string(name), "step": .integer(step),
                        // The manifest is renamed with the folder, last: without it this is no checkpoint.
                        "complete": .boolean(one.status("manifest.json")?.kind == .file),
                        "bytes": .integer(files.reduce(0) { $0 + $1.size }),
                        "written": .integer((files.map(\.modified).max() ?? 0) / 1_000_000_000),
                    ]))
            }
        }
        return .json(.dictionary(["checkpoints": .list(found.reversed())]))
    }

    private static let mostEventBytes = 1 << 20

    private func events(_ context: DaemonContext) throws -> Response {
        let folder = try folder(context)
        guard folder.status("events.jsonl") != nil else { return .json(.dictionary(["events": .list([])])) }
        let (bytes, size) = try folder.tail("events.jsonl", atMost: Self.mostEventBytes)
        var lines = bytes.split(separator: 0x0A)
        // The first one may be cut.
        if size > bytes.count, !lines.isEmpty { lines.removeFirst() }
        let events = lines.compactMap { try? ConfigValue(json: Data($0)) }
        return .json(
            .dictionary(["events": .list(events), "damaged_lines": .integer(lines.count - events.count)]))
    }

    private func logs(_ context: DaemonContext) throws -> Response {
        let folder = try folder(context)
        var attempts: [ConfigValue] = []
        if folder.status("logs")?.kind == .folder {
            let logs = try folder.folder("logs")
            for name in try logs.names() where name.hasPrefix("attempt-") {
                guard let number = Int(name.dropFirst(8)), let one = try? logs.folder(name) else { continue }
                let files = ((try? one.names()) ?? []).filter { $0.hasSuffix(".log") }
                attempts.append(
                    .dictionary([
                        "attempt": .integer(number),
                        "logs": .list(
                            files.sorted { Self.order($0) < Self.order($1) }.map { file in
                                .dictionary([
                                    "name": .string(String(file.dropLast(4))),
                                    "bytes": .integer(one.status(file)?.size ?? 0),
                                ])
                            }),
                    ]))
            }
        }
        return .json(.dictionary(["attempts": .list(attempts.reversed())]))
    }

    private static func order(_ file: String) -> Int {
        Int(file.dropLast(4).drop { !$0.isNumber }) ?? -1
    }

    /// The end of a log, as plain text without what a terminal would obey.
    private func log(_ request: Request, _ context: DaemonContext) throws -> Response {
        guard let attempt = context.parameters.get("attempt", as: Int.self), attempt >= 0,
            let name = context.parameters.get("log"), Submission.isIdentifier(name)
        else { throw APIError(.badRequest, "expected /logs/ATTEMPT/NAME, as /logs lists them") }
        let most = try request.integer("bytes", 1...(4 << 20), default: 64 << 10)
        let (bytes, size) = try folder(context).tail("logs/attempt-\(attempt)/\(name).log", atMost: most)
        var response = Response.text(String(decoding: bytes, as: UTF8.self).escaped(keepsNewlines: true))
        response.headers[.init("X-MIO-Log-Bytes")!] = String(size)
        return response
    }

    private static let mostTraceBytes = 64 << 20
    private static let mostEvents = 20_000

    /// One step of a trace: what each rank did, and where the time of all steps went.
    private func trace(_ request: Request, _ context: DaemonContext) throws -> Response {
        let folder = try folder(context)
        guard folder.status("trace.json") != nil else {
            throw APIError(
                .notFound,
                "the run's folder has no trace.json: `mio train --trace RUN/trace.json JOB` writes one")
        }
        let path = Folder.join(folder.path, "trace.json")
        let file = try TraceFile(
            Data(try folder.contents("trace.json", atMost: Self.mostTraceBytes)), path: path)
        let report = try TraceReport(file, path: path)
        let first = file.events.lazy.filter { $0.kind == .step }.map(\.rank).min()
        let steps = file.events.filter { $0.kind == .step && $0.rank == first }
        // The step that took as long as half of them.
        let median = steps.sorted { $0.duration < $1.duration }[steps.count / 2].step
        let step = try request.integer("step", 0...Int.max, default: median)
        let events = file.events.filter { $0.step == step }
        let origin = events.map(\.start).min() ?? 0
        return .json(
            .dictionary([
                "step": .integer(step), "first_step": .integer(report.steps.lowerBound),
                "last_step": .integer(report.steps.upperBound),
                "mean_milliseconds": .real(report.meanMilliseconds),
                "median_milliseconds": .real(report.medianMilliseconds),
                "rows": .list(
                    report.rows.map { row in
                        .dictionary([
                            "name": .string(row.name), "layer": .boolean(row.isLayer),
                            "milliseconds": .real(row.milliseconds), "share": .real(row.share),
                            "gigaflops": .real(row.gigaflops), "of_limit": .real(row.ofLimit),
                        ])
                    }),
                "busy_milliseconds": .list(report.busyMilliseconds.map(ConfigValue.real)),
                "events": .list(
                    events.prefix(Self.mostEvents).map { event in
                        .dictionary([
                            "rank": .integer(event.rank), "name": .string(event.name),
                            "kind": .string(event.kind.rawValue), "start": .real(event.start - origin),
                            "duration": .real(event.duration),
                        ])
                    }),
            ]))
    }
}
