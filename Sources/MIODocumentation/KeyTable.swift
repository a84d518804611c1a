import MIOBase
import MIOConfig
import MIOGraph

/// The keys of one mapping as a Markdown table: name, value, default, meaning.
struct KeyTable {
    private var rows: [[String]] = []

    /// - Parameters:
    ///   - keys: as a recorder has noted them.
    ///   - config: the value with its defaults, for those that no reader knows; its order is kept.
    ///   - types: whose members have doc comments for the keys, the first that has one counts.
    ///   - sections: where on the page the keys of a mapping are, by the mapping's key.
    init(
        _ keys: [ConfigRecorder.Key], config: ConfigDictionary = ConfigDictionary(), types: [String],
        sections: [String: String] = [:], in index: SourceIndex
    ) {
        for key in keys {
            let comment = types.lazy.compactMap { index.comment(ofMember: key.name, inType: $0) }.first?.cell
                .named(as: keys)
            let meaning = [comment, sections[key.name].map { "[Its keys](#\($0))" }].compactMap(\.self)
            let fallback = key.fallback ?? (config[key.name] == .null ? nil : config[key.name])
            rows.append([
                "`\(key.name)`", Self.value(key.expected), key.isRequired ? "required" : Self.shown(fallback),
                meaning.joined(separator: " "),
            ])
        }
    }

    var isEmpty: Bool { rows.isEmpty }

    var markdown: String {
        Self.table(["Key", "Value", "Default", "Meaning"], rows)
    }

    static func table(_ header: [String], _ rows: [[String]]) -> String {
        ([header, header.map { _ in "---" }] + rows).map { row in
            "|" + row.map { $0.isEmpty ? " |" : " \($0) |" }.joined()
        }.joined(separator: "\n")
    }

    /// What messages call the value, with links to the pages that list names.
    private static func value(_ expected: String?) -> String {
        guard let expected else { return "" }
        let activations = "one of " + listed(Activation.allCases.map(\.rawValue))
        if expected == activations { return "an [activation](activations.md)" }
        if let names = expected.wholeMatch(of: /one of (.*)/)?.1 {
            return names.split(separator: ", ").map { "`\($0)`" }.joined(separator: ", ")
        }
        var text = expected.replacing(" and at most \(Int32.max)", with: "")
        for (word, page) in [
            ("an activation", "activations"), ("an initializer", "initializers"), ("a loss", "losses"),
            ("an optimizer", "optimizers"), ("a schedule", "schedules"),
            ("a regularizer", "regularizers"), ("a constraint", "constraints"), ("metrics", "metrics"),
        ] {
            guard let range = text.firstRange(of: word) else { continue }
            let article = word.split(separator: " ")
            let noun = article[article.count - 1]
            let link = (article.count == 2 ? "\(article[0]) " : "") + "[\(noun)](\(page).md)"
            text.replaceSubrange(range, with: link)
        }
        return text.replacing("|", with: "\\|")
    }

    private static func shown(_ value: ConfigValue?) -> String {
        value.map { "`\(plain($0))`" } ?? ""
    }

    /// As a job file has it: names bare, single characters quoted.
    static func plain(_ value: ConfigValue) -> String {
        if case .string(let text) = value, text.count > 1 { text } else { value.json() }
    }
}

extension String {
    /// Names of Swift as a job has them: `decaySteps` becomes `decay_steps`.
    func named(as keys: [ConfigRecorder.Key]) -> String {
        let names = Dictionary(keys.map { (SourceIndex.folded($0.name), $0.name) }) { first, _ in first }
        return replacing(/`([a-z]\w*)`/) { match in
            "`\(names[SourceIndex.folded(String(match.1))] ?? String(match.1))`"
        }
    }
}
