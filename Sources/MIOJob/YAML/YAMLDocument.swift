import MIOBase
import MIOConfig
import Yams

extension ConfigValue {
    /// Reads one document of YAML 1.2, as job files are read; an empty one is null.
    /// - Parameter file: the name that errors give.
    /// - Throws: `JobError` with the line of what is not YAML, or not a job file's YAML.
    public init(yaml text: String, file: String = "YAML") throws(JobError) {
        self = try YAMLDocument(text, file: file).value
    }
}

/// A YAML text as values whose keys keep their order, with the line of each.
///
/// Anchors, aliases and merge keys (`<<`) are expanded. Tags are refused, except for `!!str`.
struct YAMLDocument {
    let value: ConfigValue
    /// The line, from 1, on which the value of a path was written, by the path's description.
    private(set) var lines: [String: Int] = [:]

    /// More values than any job has: a few lines of aliases of aliases could stand for billions.
    private static let largestCount = 1_000_000

    /// - Parameter file: the name that errors give.
    /// - Throws: `JobError` with the line of what is not YAML, or not a job file's YAML.
    init(_ text: String, file: String) throws(JobError) {
        if let line = YAMLKeyScan.lineOfUnusualKey(text) {
            throw JobError(
                file: file, line: line,
                message: "a key must be a name, not a list, a mapping or an alias")
        }
        let root: Node?
        do {
            // No rules: what a plain scalar means is decided here, by YAML 1.2.
            root = try compose(yaml: text, .basic, .default, .utf8)
        } catch let error as YamlError {
            throw JobError(yaml: error, file: file, text: text)
        } catch {
            throw JobError(file: file, message: "not valid YAML: \(error)")
        }
        guard let root else {
            value = .null
            return
        }
        var converter = Converter(file: file, remaining: Self.largestCount)
        value = try converter.convert(root, at: ConfigPath())
        lines = converter.lines
    }
}

private struct Converter {
    let file: String
    var remaining: Int
    var lines: [String: Int] = [:]

    private func error(_ node: Node, _ path: ConfigPath, _ message: String) -> JobError {
        JobError(file: file, line: node.mark?.line, path: path, message: message)
    }

    mutating func convert(_ node: Node, at path: ConfigPath) throws(JobError) -> ConfigValue {
        remaining -= 1
        guard remaining >= 0 else {
            throw error(node, path, "more values than a job file may hold, aliases expanded")
        }
        switch node {
        case .scalar(let scalar): return try convert(scalar, node, at: path)
        case .sequence(let sequence):
            try refuseTag(sequence.tag, node, path, allowed: "tag:yaml.org,2002:seq")
            var values: [ConfigValue] = []
            for (index, item) in sequence.enumerated() {
                let place = path.appending(index: index)
                lines[place.description] = item.mark?.line
                values.append(try convert(item, at: place))
            }
            return .list(values)
        case .mapping(let mapping):
            try refuseTag(mapping.tag, node, path, allowed: "tag:yaml.org,2002:map")
            return .dictionary(try convert(mapping, at: path))
        case .alias: throw error(node, path, "an alias without its anchor")
        }
    }

    private func convert(_ scalar: Node.Scalar, _ node: Node, at path: ConfigPath) throws(JobError)
        -> ConfigValue
    {
        if scalar.tag.description == "tag:yaml.org,2002:str" { return .string(scalar.string) }
        try refuseTag(scalar.tag, node, path, allowed: nil)
        guard scalar.style == .plain else { return .string(scalar.string) }
        guard let value = YAMLScalar.value(plain: scalar.string) else {
            throw error(
                node, path,
                "the integer \(scalar.string) does not fit 64 bits with a sign; a seed that needs all 64 is written in quotes"
            )
        }
        return value
    }

    private func refuseTag(_ tag: Tag, _ node: Node, _ path: ConfigPath, allowed: String?) throws(JobError) {
        let name = tag.description
        guard name.isEmpty || name == "!" || name == allowed else {
            throw error(node, path, "the tag \(name) means nothing in a job file; remove it")
        }
    }

    private mutating func convert(_ mapping: Node.Mapping, at path: ConfigPath) throws(JobError)
        -> ConfigDictionary
    {
        var dictionary = ConfigDictionary()
        var merged: [Node] = []
        for (key, value) in mapping {
            guard case .scalar(let name) = key else {
                throw error(key, path, "a key must be a name, not a list or a mapping")
            }
            if name.string == "<<", name.style == .plain {
                if case .sequence(let several) = value { merged += several } else { merged.append(value) }
                continue
            }
            let place = path.appending(name.string)
            guard dictionary[name.string] == nil else {
                throw error(key, place, "the key is written twice in one mapping")
            }
            lines[place.description] = key.mark?.line
            dictionary[name.string] = try convert(value, at: place)
        }
        // What the mapping says itself goes before what it merges, and earlier merges before later ones.
        for node in merged {
            guard case .mapping(let other) = node else {
                throw error(node, path.appending("<<"), "expected a mapping, or a list of them, to merge")
            }
            // The lines of a value that is merged are those of its anchor, unless the mapping has that key itself.
            var converter = Converter(file: file, remaining: remaining)
            let values = try converter.convert(other, at: path)
            remaining = converter.remaining
            lines.merge(converter.lines) { own, _ in own }
            for (key, value) in values.entries where dictionary[key] == nil { dictionary[key] = value }
        }
        return dictionary
    }
}

extension JobError {
    fileprivate init(yaml error: YamlError, file: String, text: String) {
        func make(_ line: Int?, _ problem: String) -> JobError {
            var message = "not valid YAML: \(problem)"
            let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            if let line, lines.indices.contains(line - 1),
                lines[line - 1].prefix(while: \.isWhitespace).contains("\t")
            {
                message += "; indent with spaces, not with tabs"
            }
            return JobError(file: file, line: line, message: message)
        }
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let about = context.map { " (\($0.text), line \($0.mark.line))" } ?? ""
            self = make(mark.line, problem + about)
        case .reader(let problem, let offset, _, _):
            let line = offset.map {
                text.prefix($0).split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).count
            }
            self = make(line, problem)
        case .duplicatedKeysInMapping(let keys, let context):
            let names = listed(keys.map { "\(quoted: $0)" })
            self = JobError(
                file: file, line: context.mark.line,
                message: "the key \(names) is written twice in one mapping; keep one")
        default:
            self = make(nil, "\(error)")
        }
    }
}
