import Foundation
import Hummingbird
import MIOBase
import MIOConfig
import MIORunFolder
import MIORunIndex

/// The list of runs, one run, and its curves.
struct RunRoutes {
    let keeper: IndexKeeper
    let queue: any RunQueue

    func add(to group: some RouterMethods<DaemonContext>) {
        group.get("runs") { request, _ in try await list(request) }
        group.get("runs/:key") { _, context in try await detail(context) }
        group.get("runs/:key/curves") { request, context in try await curves(request, context) }
        group.get("compare") { request, _ in try await compare(request) }
    }

    /// The run that an address names.
    static func run(_ context: DaemonContext, _ index: RunIndex) throws -> IndexedRun {
        let key = context.parameters.get("key") ?? ""
        guard let run = try index.run(key) else {
            throw APIError(.notFound, "no run \(quoted: key): see /api/v1/runs")
        }
        return run
    }

    private func list(_ request: Request) async throws -> Response {
        await keeper.freshen()
        await queue.look()
        var query = RunQuery()
        query.filter = request.text("filter") ?? ""
        query.limit = try request.integer("limit", 0...RunQuery.mostRows, default: 100)
        query.offset = try request.integer("offset", 0...Int(Int32.max), default: 0)
        if let sort = request.text("sort") {
            query.isDescending = sort.hasPrefix("-")
            query.sort = query.isDescending ? String(sort.dropFirst()) : sort
        }
        let found: (runs: [IndexedRun], count: Int)
        do {
            found = try keeper.index.runs(query)
        } catch let error as RunError {
            throw APIError(.badRequest, error.message)
        }
        let identifiers = found.runs.map(\.id)
        let series = try keeper.index.series(of: identifiers)
        let settings = try keeper.index.settings(of: identifiers)
        let differing = Self.differing(identifiers.map { settings[$0] ?? [:] })
        let rows = found.runs.map { run -> ConfigValue in
            guard case .dictionary(var row) = RunJSON.row(run, series: series[run.id] ?? []) else {
                return .null
            }
            var own = ConfigDictionary()
            for key in differing { own[key] = settings[run.id]?[key].map(ConfigValue.string) }
            row["settings"] = .dictionary(own)
            return .dictionary(row)
        }
        var states = ConfigDictionary()
        for (state, count) in try keeper.index.counts() { states[state] = .integer(count) }
        var answer: ConfigDictionary = [
            "count": .integer(found.count), "states": .dictionary(states),
            "differing": .list(differing.map(ConfigValue.string)), "runs": .list(rows),
        ]
        if let freshness = queue.freshness { answer["slurm"] = freshness }
        return .json(.dictionary(answer))
    }

    /// The keys that are not the same in all of the settings, sorted.
    static func differing(_ settings: [[String: String]]) -> [String] {
        guard let first = settings.first, settings.count > 1 else { return [] }
        var keys: Set<String> = []
        for other in settings.dropFirst() {
            for (key, value) in other where first[key] != value { keys.insert(key) }
            for key in first.keys where other[key] == nil { keys.insert(key) }
        }
        return keys.sorted()
    }

    private func detail(_ context: DaemonContext) async throws -> Response {
        await keeper.freshen(try Self.run(context, keeper.index).path)
        await queue.look()
        let run = try Self.run(context, keeper.index)
        let series = try keeper.index.series(of: [run.id])[run.id] ?? []
        guard case .dictionary(var detail) = RunJSON.row(run, series: series) else {
            throw APIError(.notFound, "")
        }
        detail["series"] = .list(series.map(RunJSON.series))
        detail["lines"] = .integer(run.lines)
        var own = ConfigDictionary()
        for (key, value) in (try keeper.index.settings(of: [run.id])[run.id] ?? [:]).sorted(by: {
            $0.key < $1.key
        }) {
            own[key] = .string(value)
        }
        detail["settings"] = .dictionary(own)
        let folder = try keeper.index.folder(of: run.path)
        if run.batch != nil, let freshness = queue.freshness { detail["slurm"] = freshness }
        detail["has_trace"] = .boolean(folder.status("trace.json")?.kind == .file)
        for (key, name) in [
            ("status", "status.json"), ("record", "record.json"), ("lease", "lease"),
            ("submission", Submission.name),
        ] {
            detail[key] =
                (try? folder.contents(name, atMost: 4 << 20)).flatMap { try? ConfigValue(json: Data($0)) }
                ?? .null
        }
        return .json(.dictionary(detail))
    }

    private func curves(_ request: Request, _ context: DaemonContext) async throws -> Response {
        await keeper.freshen(try Self.run(context, keeper.index).path)
        let run = try Self.run(context, keeper.index)
        let points = try request.integer("points", 1...5_000, default: 500)
        let from = try request.integer("from", 0...Int.max, default: 0)
        let through = try request.integer("through", 0...Int.max, default: .max)
        let names = request.texts("series").prefix(100)
        guard !names.isEmpty else {
            throw APIError(
                .badRequest, "name at least one series: series=epoch/val_loss, repeated for several")
        }
        var curves: [ConfigValue] = []
        for text in names {
            guard let name = SeriesName(text),
                let buckets = try keeper.index.curve(
                    of: run.id, name, from: from, through: through, most: points)
            else { throw APIError(.notFound, "the run has no series \(quoted: text)") }
            curves.append(RunJSON.curve(name, buckets))
        }
        return .json(.dictionary(["key": .string(run.key), "curves": .list(curves)]))
    }

    /// What differs between the jobs of several runs.
    private func compare(_ request: Request) async throws -> Response {
        let keys = (request.text("runs") ?? "").split(separator: ",").prefix(50).map(String.init)
        guard keys.count > 1 else { throw APIError(.badRequest, "name at least two runs: runs=KEY,KEY") }
        let runs = try keys.map { key -> IndexedRun in
            guard let run = try keeper.index.run(key) else {
                throw APIError(.notFound, "no run \(quoted: key)")
            }
            return run
        }
        let identifiers = runs.map(\.id)
        let settings = try keeper.index.settings(of: identifiers)
        let series = try keeper.index.series(of: identifiers)
        var rows: [ConfigValue] = []
        for key in Self.differing(identifiers.map { settings[$0] ?? [:] }) {
            rows.append(
                .dictionary([
                    "key": .string(key),
                    "values": .list(identifiers.map { settings[$0]?[key].map(ConfigValue.string) ?? .null }),
                ]))
        }
        return .json(
            .dictionary([
                "runs": .list(runs.map { RunJSON.row($0, series: series[$0.id] ?? []) }),
                "differing": .list(rows),
            ]))
    }
}
