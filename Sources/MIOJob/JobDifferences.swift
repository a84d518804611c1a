import MIOConfig

extension Job {
    /// Where this job trains otherwise than another: each key that differs, with both values.
    ///
    /// Of the model and what of it is frozen, the losses and metrics, the optimizer, the training and the callbacks; not of how many epochs, threads or samples at
    /// a time.
    /// - Parameter resolvedYAML: the other job's.
    /// - Throws: `JobError` if that is no YAML.
    public func trainingDifferences(from resolvedYAML: String) throws(JobError) -> [String] {
        let other = try ConfigValue(yaml: resolvedYAML)
        let parts = ["model", "freeze", "outputs", "optimizer", "training", "callbacks"]
        let unimportant: Set = [
            "training.epochs", "training.threads", "training.micro_batch", "training.non_finite_limit",
            "training.replica_check.every_steps", "training.replica_check.repair",
        ]
        func values(_ job: ConfigValue) -> [(path: String, value: ConfigValue)] {
            guard case .dictionary(let dictionary) = job else { return [] }
            return parts.flatMap { key in
                dictionary[key].map { leaves($0, at: ConfigPath(key)) } ?? []
            }
        }
        let (before, after) = (values(other), values(resolved))
        let known = Dictionary(before.map { ($0.path, $0.value) }) { first, _ in first }
        let present = Set(after.map(\.path))
        let changed = after.filter { known[$0.path] != $0.value }.map { path, value in
            (path, "\(path): \(known[path]?.json() ?? "absent") → \(value.json())")
        }
        let removed = before.filter { !present.contains($0.path) }.map { path, value in
            (path, "\(path): \(value.json()) → absent")
        }
        return (changed + removed).filter { !unimportant.contains($0.0) }.map(\.1)
    }

    /// A warning that files of `weights` are not read, because a run goes on that began with others; `nil` if it began
    /// with the same, or the job has none.
    /// - Parameter resolvedYAML: of the run.
    /// - Throws: `JobError` if that is no YAML.
    public func unreadWeights(from resolvedYAML: String) throws(JobError) -> String? {
        guard !weights.isEmpty, case .dictionary(let other) = try ConfigValue(yaml: resolvedYAML) else {
            return nil
        }
        let own = ConfigValue.list(weights.map(\.config))
        guard other["weights"] != own else { return nil }
        return
            "weights: the run began with \(other["weights"]?.json() ?? "none") and goes on from its checkpoint: "
            + "\(own.json()) is not read; start over with --resume never to begin with it"
    }

    private func leaves(_ value: ConfigValue, at path: ConfigPath) -> [(path: String, value: ConfigValue)] {
        switch value {
        case .dictionary(let dictionary):
            dictionary.entries.flatMap { leaves($0.value, at: path.appending($0.key)) }
        case .list(let list):
            list.enumerated().flatMap { leaves($1, at: path.appending(index: $0)) }
        default: [(path.description, value)]
        }
    }
}
