import MIOConfig

/// A page with a section for each class of a registry: its doc comment, its other names, its arguments.
struct ClassPage {
    /// One class, made with its defaults.
    struct Entry {
        /// What a job writes.
        var name: String
        /// The Swift type, whose doc comment becomes the section.
        var type: String
        /// What else a job may write for it.
        var otherNames: [String] = []
        var keys: [ConfigRecorder.Key]
        var config: ConfigDictionary
        /// A sentence after the table.
        var note: String?
        /// Arguments of Keras' class that are accepted at their defaults only.
        var kerasArguments: [String] = []
    }

    var title: String
    var introduction: String
    var entries: [Entry]
    /// Types with doc comments for arguments that several classes have.
    var sharedTypes: [String] = []

    /// - Throws: `DocumentationError` if a class has no doc comment.
    func markdown(_ index: SourceIndex) throws(DocumentationError) -> String {
        var text = "# \(title)\n\n\(Page.note)\n\n\(introduction)\n\n"
        text += entries.map { "[`\($0.name)`](#\($0.name.lowercased()))" }.joined(separator: " · ") + "\n"
        for entry in entries {
            let comment = try index.comment(ofType: entry.type)
            text += "\n## \(entry.name)\n\n\(comment.page.named(as: entry.keys))\n"
            if !entry.otherNames.isEmpty {
                text +=
                    "\nIn a job: "
                    + ([entry.name] + entry.otherNames).map { "`\($0)`" }.joined(separator: ", ")
                text += ".\n"
            }
            let table = KeyTable(
                entry.keys, config: entry.config, types: [entry.type] + sharedTypes, in: index)
            if !table.isEmpty { text += "\n\(table.markdown)\n" }
            if let note = entry.note { text += "\n\(note)\n" }
            if !entry.kerasArguments.isEmpty {
                text += "\nOf Keras' arguments at their defaults only: "
                text += entry.kerasArguments.map { "`\($0)`" }.joined(separator: " ") + ".\n"
            }
        }
        return text
    }
}
