import Foundation
import MIOFiles

/// The doc comments of the package's sources, by type and member.
///
/// It reads lines, not Swift: a declaration stands on a line of its own, as `swift format` writes it.
package struct SourceIndex: Sendable {
    private struct File: Sendable {
        let path: String
        let lines: [Substring]
    }

    private struct Place: Sendable {
        let file: Int
        let line: Int
    }

    private let files: [File]
    private let types: [String: Place]

    /// - Parameter root: the folder of `Package.swift`.
    /// - Throws: `DocumentationError` if there are no sources; errors of reading them.
    package init(root: String) throws {
        let folder = Folder.join(root, "Sources")
        let paths = (FileManager.default.enumerator(atPath: folder)?.allObjects ?? [])
            .compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }.sorted()
        guard !paths.isEmpty else {
            throw DocumentationError("no Swift files in \(folder); name the folder of Package.swift")
        }
        try self.init(
            files: paths.map { path in
                (path, try String(contentsOfFile: Folder.join(folder, path), encoding: .utf8))
            })
    }

    package init(files texts: [(path: String, text: String)]) {
        files = texts.map {
            File(path: $0.path, lines: $0.text.split(separator: "\n", omittingEmptySubsequences: false))
        }
        var types: [String: Place] = [:]
        for (file, content) in files.enumerated() {
            for (number, line) in content.lines.enumerated() {
                guard let name = Self.declaredType(line), types[name] == nil else { continue }
                types[name] = Place(file: file, line: number)
            }
        }
        self.types = types
    }

    /// - Throws: `DocumentationError` if there is no such type, or if it has no doc comment.
    package func comment(ofType name: String) throws(DocumentationError) -> DocumentationComment {
        guard let place = types[name] else { throw DocumentationError("no file declares the type \(name)") }
        guard let comment = comment(above: place.line, in: files[place.file]) else {
            throw DocumentationError(
                "\(files[place.file].path):\(place.line + 1): \(name) has no doc comment; its page is made of it"
            )
        }
        return comment
    }

    /// The doc comment of a property or an enumeration's case; else what a list in the type's own comment or an initializer's
    /// says of it: "- `name`: text".
    /// - Parameter name: in any case, with or without underscores: `use_bias` finds `useBias`.
    /// - Returns: `nil` if there is none.
    package func comment(ofMember name: String, inType type: String) -> DocumentationComment? {
        guard let place = types[type] else { return nil }
        let file = files[place.file]
        let wanted = Self.folded(name)
        let indentation = file.lines[place.line].prefix { $0 == " " }.count
        let end = file.lines[(place.line + 1)...].firstIndex { line in
            line.prefix { $0 == " " }.count == indentation && line.trimmingCharacters(in: .whitespaces) == "}"
        }
        let body = (place.line + 1)..<(end ?? file.lines.count)
        for number in body where Self.declaredMember(file.lines[number]).map(Self.folded) == wanted {
            if let comment = comment(above: number, in: file) { return comment }
        }
        let start = file.lines[..<place.line].lastIndex { !$0.drop { $0 == " " }.hasPrefix("///") } ?? 0
        for number in start..<body.upperBound {
            let line = file.lines[number].trimmingCharacters(in: .whitespaces)
            guard let match = line.wholeMatch(of: /\/\/\/\s+- (?:Parameter )?`?(\w+)`?: (.*)/),
                Self.folded(String(match.1)) == wanted
            else { continue }
            var text = String(match.2)
            for next in file.lines[(number + 1)...] {
                guard let more = next.wholeMatch(of: /\s*\/\/\/\s+(?!\s|- )(.*)/) else { break }
                text += " " + more.1
            }
            return DocumentationComment(lines: [text[...]])
        }
        return nil
    }

    /// The names of types whose doc comment contains a text, sorted.
    package func types(whoseCommentContains text: String) -> [String] {
        types.filter { comment(above: $0.value.line, in: files[$0.value.file])?.text.contains(text) == true }
            .keys.sorted()
    }

    private func comment(above line: Int, in file: File) -> DocumentationComment? {
        var lines: [Substring] = []
        for number in stride(from: line - 1, through: 0, by: -1) {
            let text = file.lines[number].drop { $0 == " " }
            if text.hasPrefix("@"), lines.isEmpty { continue }
            guard text.hasPrefix("///") else { break }
            lines.insert(text.dropFirst(text.hasPrefix("/// ") ? 4 : 3), at: 0)
        }
        return lines.isEmpty ? nil : DocumentationComment(lines: lines)
    }

    private static func declaredType(_ line: Substring) -> String? {
        declared(line, by: ["struct", "enum", "class", "protocol"])
    }

    private static func declaredMember(_ line: Substring) -> String? {
        declared(line, by: ["let", "var", "case"])
    }

    /// The name after one of some keywords, if only modifiers are before it.
    private static func declared(_ line: Substring, by keywords: Set<Substring>) -> String? {
        let modifiers: Set<Substring> = [
            "public", "package", "fileprivate", "private", "private(set)", "fileprivate(set)", "package(set)",
            "final", "indirect", "open", "static",
        ]
        var words = line.split(separator: " ", maxSplits: 6)[...]
        while let word = words.first, modifiers.contains(word) { words.removeFirst() }
        guard let keyword = words.popFirst(), keywords.contains(keyword), let word = words.first else {
            return nil
        }
        let name = word.drop { $0 == "`" }.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
        return name.isEmpty ? nil : String(name)
    }

    static func folded(_ name: String) -> String { name.replacing("_", with: "").lowercased() }
}
