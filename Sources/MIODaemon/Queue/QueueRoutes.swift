import Hummingbird
import MIOBase
import MIOConfig
import MIORunFolder
import MIORunIndex

/// Requests to runs, and the queue.
struct QueueRoutes {
    let keeper: IndexKeeper
    let queue: RunQueue

    func add(to group: some RouterMethods<DaemonContext>) {
        group.post("runs") { request, context in try await submit(request, context) }
        group.get("queue") { _, _ in try await list() }
        for action in [RunQueue.Action.stop, .checkpoint, .retry] {
            group.post("runs/:key/\(action.rawValue)") { request, context in
                _ = try await JSONBody(request)
                return try await act(action, context)
            }
        }
    }

    private func submit(_ request: Request, _ context: DaemonContext) async throws -> Response {
        let submission = try SubmissionRequest(try await JSONBody(request), cores: queue.cores)
        let (path, isNew) = try queue.submit(submission, by: context.caller?.name ?? "")
        await keeper.freshen(atMostOld: 0)
        queue.wake()
        return .json(
            .dictionary(["key": .string(submission.id), "path": .string(path), "new": .boolean(isNew)]),
            status: isNew ? .created : .ok)
    }

    private func act(_ action: RunQueue.Action, _ context: DaemonContext) async throws -> Response {
        let run = try RunRoutes.run(context, keeper.index)
        try queue.act(action, on: run, by: context.caller?.name ?? "")
        await keeper.freshen(run.path, atMostOld: 0)
        queue.wake()
        let now = try RunRoutes.run(context, keeper.index)
        return .json(.dictionary(["key": .string(now.key), "state": .string(now.state)]), status: .accepted)
    }

    private func list() async throws -> Response {
        await keeper.freshen()
        let (waiting, taken) = try queue.look()
        return .json(
            .dictionary([
                "cores": .integer(queue.cores), "taken": .integer(taken),
                "waiting": .list(
                    waiting.map { entry in
                        .dictionary([
                            "key": .string(entry.submission.id), "path": .string(entry.path),
                            "ranks": .integer(entry.submission.ranks),
                        ])
                    }),
            ]))
    }
}
