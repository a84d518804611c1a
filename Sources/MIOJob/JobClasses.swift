import MIOBase
import MIOConfig
import MIOObjectives

extension Job {
    /// Columns whose texts are numbered together, in order of appearance: those of an output, or one column of inputs.
    package struct OpenClasses: Hashable, Sendable {
        /// Where the list belongs: `outputs.kind.classes`.
        package let key: String
        /// Columns of `data.train`.
        package let columns: [String]
        fileprivate let output: String?
    }

    /// The columns with `classes: appearance`.
    package var openClasses: [OpenClasses] {
        let ofOutputs = outputs.filter { $0.classes == .appearance }.map {
            OpenClasses(
                key: "outputs.\($0.name).classes", columns: data.train.columnNames(of: $0.name),
                output: $0.name)
        }
        let ofInputs = data.classes.filter { $0.value == .appearance }.keys.sorted().map {
            OpenClasses(key: "data.classes.\($0)", columns: [$0], output: nil)
        }
        return ofOutputs + ofInputs
    }

    /// Whether the job has classes of texts anywhere.
    public var hasClasses: Bool { outputs.contains { $0.classes != nil } || !data.classes.isEmpty }

    /// The first text of the job's own lists to which a run's job gives another number: weights of that run would take
    /// one class for another. New texts, and other names for a class, are none.
    /// - Parameter resolvedYAML: the run's job.
    /// - Returns: the key, the text, both numbers and the run's order; `nil` if all texts that both have agree.
    /// - Throws: `JobError` if that is no YAML.
    public func renumberedClass(in resolvedYAML: String) throws(JobError) -> String? {
        guard case .dictionary(let other) = try ConfigValue(yaml: resolvedYAML) else { return nil }
        let ofOutputs = outputs.map { (["outputs", $0.name, "classes"], $0.classes) }
        let ofInputs = data.classes.sorted { $0.key < $1.key }.map {
            (["data", "classes", $0.key], ClassNames?.some($0.value))
        }
        for (path, classes) in ofOutputs + ofInputs {
            guard case .list(let own)? = classes, case .list(let values)? = other.value(at: path) else {
                continue
            }
            let trained = values.compactMap(\.className)
            let numbers = Dictionary(trained.enumerated().map { ($1, $0) }) { first, _ in first }
            for (number, text) in own.enumerated() {
                guard let before = numbers[text], before != number else { continue }
                return
                    "\(path.joined(separator: ".")): \(quoted: text) is class \(number), but class \(before) of the run "
                    + "that has the weights: \(listed(trained, most: 20))"
            }
        }
        return nil
    }

    /// The same job with lists in the place of `appearance`.
    /// - Parameter lists: one for each of ``openClasses``.
    /// - Throws: `JobError` if a list does not fit its output.
    package func settingClasses(_ lists: [[String]]) throws(JobError) -> Job {
        var outputs = outputs
        var data = data
        for (open, list) in zip(openClasses, lists) {
            if let index = outputs.firstIndex(where: { $0.name == open.output }) {
                outputs[index].classes = .list(list)
            } else if open.output == nil {
                data.classes[open.columns[0]] = .list(list)
            }
        }
        return try Job(
            name: name, seed: seed, model: model, outputs: outputs, data: data, optimizer: optimizer,
            training: training, communication: communication, checkpoints: checkpoints, logging: logging,
            callbacks: callbacks, notifications: notifications, weights: weights, freeze: freeze,
            runDirectory: runDirectory, folder: folder)
    }

    /// The same job with the weights that balanced classes have in the training data.
    /// - Parameter counts: how often each class of an output is that of a position there.
    package func balancingClasses(_ counts: (_ output: String) -> [Int]?) throws(JobError) -> Job {
        guard outputs.contains(where: { $0.classWeights?.isOpen ?? false }) else { return self }
        var outputs = outputs
        for index in outputs.indices where outputs[index].classWeights?.isOpen ?? false {
            outputs[index].classWeights = .balanced(counts: counts(outputs[index].name) ?? [])
        }
        return try Job(
            name: name, seed: seed, model: model, outputs: outputs, data: data, optimizer: optimizer,
            training: training, communication: communication, checkpoints: checkpoints, logging: logging,
            callbacks: callbacks, notifications: notifications, weights: weights, freeze: freeze,
            runDirectory: runDirectory, folder: folder)
    }

    /// The lists that another job has for ``openClasses``; `nil` if it lacks one of them.
    /// - Parameter resolvedYAML: the other job's.
    /// - Throws: `JobError` if that is no YAML.
    package func classes(in resolvedYAML: String) throws(JobError) -> [[String]]? {
        guard case .dictionary(let other) = try ConfigValue(yaml: resolvedYAML) else { return nil }
        var lists: [[String]] = []
        for open in openClasses {
            let path =
                open.output.map { ["outputs", $0, "classes"] } ?? ["data", "classes", open.columns[0]]
            guard case .list(let values)? = other.value(at: path) else { return nil }
            lists.append(values.compactMap(\.className))
        }
        return lists
    }
}

extension ConfigValue {
    /// A class' text; `nil` for what is none.
    fileprivate var className: String? {
        switch self {
        case .string(let name): name
        case .integer(let number): "\(number)"
        default: nil
        }
    }
}

extension ConfigDictionary {
    fileprivate func value(at path: [String]) -> ConfigValue? {
        var value = ConfigValue.dictionary(self)
        for key in path {
            guard case .dictionary(let dictionary) = value, let next = dictionary[key] else { return nil }
            value = next
        }
        return value
    }
}
