import Hummingbird
import MIOBase
import MIOConfig
import MIORunFolder
import MIORunIndex

/// Requests to runs, and the queue.
struct QueueRoutes {
    let keeper: IndexKeeper
    let queue: any RunQueue
    let submissions: Submissions

    func add(to group: some RouterMethods<DaemonContext>) {
        group.post("runs") { request, context in try await submit(request, context) }
        group.get("queue") { _, _ in try await list() }
        for action in RunAction.allCases {
            group.post("runs/:key/\(action.rawValue)") { request, context in
                _ = try await JSONBody(request)
                return try await act(action, context)
            }
        }
    }

    private func submit(_ request: Request, _ context: DaemonContext) async throws -> Response {
        let submission = try SubmissionRequest(try await JSONBody(request), queue.limits)
        let (path, isNew) = try submissions.create(submission, by: context.caller?.name ?? "")
        await keeper.freshen(atMostOld: 0)
        await queue.begin(path)
        await keeper.freshen(path, atMostOld: 0)
        var answer: ConfigDictionary = [
            "key": .string(submission.id), "path": .string(path), "new": .boolean(isNew),
        ]
        if let run = try keeper.index.run(at: path) { tell(run, in: &answer) }
        return .json(.dictionary(answer), status: isNew ? .created : .ok)
    }

    private func act(_ action: RunAction, _ context: DaemonContext) async throws -> Response {
        let run = try RunRoutes.run(context, keeper.index)
        try await queue.act(action, on: run, by: context.caller?.name ?? "")
        await keeper.freshen(run.path, atMostOld: 0)
        await queue.begin(run.path)
        await keeper.freshen(run.path, atMostOld: 0)
        let now = try RunRoutes.run(context, keeper.index)
        var answer: ConfigDictionary = ["key": .string(now.key)]
        tell(now, in: &answer)
        return .json(.dictionary(answer), status: .accepted)
    }

    /// Where a run stands after a request: of one that could not be started, why.
    private func tell(_ run: IndexedRun, in answer: inout ConfigDictionary) {
        answer["state"] = .string(run.state)
        if let batch = run.batch { answer["batch"] = RunJSON.batch(batch) }
        if RunStatus.State(rawValue: run.state)?.isEnd == true,
            let folder = try? keeper.index.folder(of: run.path),
            let end = RunFacts(folder).submission?.requests.last?.end
        {
            answer["text"] = .string(end.text)
        }
    }

    private func list() async throws -> Response {
        await keeper.freshen()
        await queue.look()
        return .json(.dictionary(try await queue.contents()))
    }
}
