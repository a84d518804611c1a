import MIOBase
import MIOConfig

/// One `--set KEY=VALUE`: a key by its dotted path, list indices in brackets (`model.layers[2].units`), and
/// a value written as YAML.
struct Override {
    enum Step: Hashable {
        case key(String)
        case index(Int)
    }

    /// As written.
    let text: String
    let steps: [Step]
    let value: ConfigValue

    var path: ConfigPath { Self.path(steps[...]) }

    /// The paths on the way to it, outermost first.
    var ancestors: [ConfigPath] { steps.indices.dropFirst().map { Self.path(steps[..<$0]) } }

    /// How errors name it, in the place of a file.
    var origin: String { "--set \(text)" }

    /// - Throws: `JobError` with the exit code of bad usage if there is no key, no `=`, or no YAML.
    init(_ text: String) throws(JobError) {
        self.text = text
        let origin = "--set \(text)"
        guard let equals = text.firstIndex(of: "="), let steps = Self.steps(text[..<equals]) else {
            throw JobError(
                file: origin,
                message: "expected KEY=VALUE, the key a dotted path such as training.epochs or "
                    + "model.layers[2].units",
                exitCode: .usage)
        }
        self.steps = steps
        guard text[text.index(after: equals)...].contains(where: { !$0.isWhitespace }) else {
            throw JobError(
                file: origin, path: Self.path(steps[...]),
                message:
                    "expected a value after \"=\", found nothing; an empty string is written '\"\"', no value null",
                exitCode: .usage)
        }
        do {
            value = try YAMLDocument(String(text[text.index(after: equals)...]), file: origin).value
        } catch {
            throw JobError(
                file: origin, message: error.message + "; quote the value if it is a string",
                exitCode: .usage)
        }
    }

    private static func steps(_ path: Substring) -> [Step]? {
        var steps: [Step] = []
        for part in path.split(separator: ".", omittingEmptySubsequences: false) {
            guard let match = part.wholeMatch(of: /([^\[\]]+)((?:\[[0-9]+\])*)/) else { return nil }
            steps.append(.key(String(match.1)))
            for digits in match.2.split(whereSeparator: { "[]".contains($0) }) {
                guard let index = Int(digits) else { return nil }
                steps.append(.index(index))
            }
        }
        return steps
    }

    private static func path(_ steps: ArraySlice<Step>) -> ConfigPath {
        steps.reduce(ConfigPath()) { path, step in
            switch step {
            case .key(let key): path.appending(key)
            case .index(let index): path.appending(index: index)
            }
        }
    }

    /// An override after which an earlier one would count for nothing is a mistake of who wrote them.
    /// - Throws: `JobError` with the exit code of bad usage if this sets the key of an earlier one, or a key above it.
    func refuseReplacing(_ earlier: [Override]) throws(JobError) {
        guard let replaced = earlier.first(where: { $0.steps.starts(with: steps) }) else { return }
        throw JobError(
            file: origin, path: path,
            message: replaced.steps == steps
                ? "is set twice; \(replaced.origin) sets it too: keep one"
                : "takes the place of what \(replaced.origin) sets: write \(origin) first, or keep one",
            exitCode: .usage)
    }

    /// The tree with this value in its place; missing mappings on the way are made.
    /// - Throws: `JobError` if the way leads through a value that is no mapping, or to no item of a list.
    func applied(to tree: ConfigValue) throws(JobError) -> ConfigValue {
        try replacing(in: tree, from: 0)
    }

    private func replacing(in tree: ConfigValue?, from depth: Int) throws(JobError) -> ConfigValue {
        guard depth < steps.count else { return value }
        let here = Self.path(steps[..<depth])
        switch (steps[depth], tree) {
        case (.key(let key), nil), (.key(let key), .null?):
            var dictionary = ConfigDictionary()
            dictionary[key] = try replacing(in: nil, from: depth + 1)
            return .dictionary(dictionary)
        case (.key(let key), .dictionary(var dictionary)?):
            dictionary[key] = try replacing(in: dictionary[key], from: depth + 1)
            return .dictionary(dictionary)
        case (.index(let index), .list(var list)?):
            guard index < list.count else {
                throw JobError(
                    file: origin, path: here,
                    message: list.isEmpty
                        ? "has no items"
                        : "has \(counted(list.count, "item")), the last of them [\(list.count - 1)]")
            }
            list[index] = try replacing(in: list[index], from: depth + 1)
            return .list(list)
        case (.key(let key), let found?):
            throw JobError(
                file: origin, path: here,
                message: "expected a mapping that may have the key \(quoted: key), found \(found.summary)")
        case (.index, let found):
            throw JobError(
                file: origin, path: here,
                message: "expected a list, found \(found?.summary ?? "nothing")")
        }
    }
}
