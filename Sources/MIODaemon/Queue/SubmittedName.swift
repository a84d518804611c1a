/// The name of a run that waits, as its job says it: `name` of the settings, or of the job file.
///
/// The daemon does not read jobs: it looks for the line of the key alone. A name in any other form is not found.
enum SubmittedName {
    /// - Parameter job: the content of the job file.
    /// - Returns: `nil` if nothing says it, or in a form that only a reader of YAML understands.
    static func read(_ job: [UInt8], settings: [String]) -> String? {
        let key = "name"
        if let setting = settings.last(where: { $0.hasPrefix(key + "=") }) {
            return scalar(setting.dropFirst(key.count + 1))
        }
        let lines = String(decoding: job, as: UTF8.self).split(whereSeparator: \.isNewline)
        return lines.first { $0.hasPrefix(key + ":") }.flatMap { scalar($0.dropFirst(key.count + 1)) }
    }

    /// A plain text, or a quoted one without escapes; a comment may follow.
    private static func scalar(_ text: Substring) -> String? {
        let text = text.drop { $0 == " " || $0 == "\t" }
        guard let first = text.first else { return nil }
        guard first == "\"" || first == "'" else {
            let words = text.split(separator: " ").prefix { !$0.hasPrefix("#") }.joined(separator: " ")
            return !words.isEmpty && words.allSatisfy(isPlain) ? words : nil
        }
        let inner = text.dropFirst().prefix { $0 != first }
        let rest = text.dropFirst(inner.count + 2).drop { $0 == " " }
        return inner.isEmpty || inner.contains("\\") || text.dropFirst(inner.count + 1).first != first
            || !(rest.isEmpty || rest.first == "#") ? nil : String(inner)
    }

    private static func isPlain(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || " -_.+@()".contains(character)
    }
}
