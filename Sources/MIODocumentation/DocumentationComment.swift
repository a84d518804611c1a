import Foundation

/// A doc comment: the lines after `///`.
package struct DocumentationComment: Hashable, Sendable {
    /// Markdown, as it stands in the source.
    package let text: String

    init(lines: [Substring]) { text = lines.joined(separator: "\n") }

    /// The text for a page: without lists of parameters and members, links to symbols as code.
    package var page: String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let end = lines.firstIndex {
            $0.wholeMatch(of: /- (?:Parameters?\b|Returns:|Throws:|Precondition:|`\w+`:).*/) != nil
        }
        return lines[..<(end ?? lines.count)].joined(separator: "\n")
            .replacing("``", with: "`").trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The first paragraph on one line, for a cell of a table.
    package var cell: String {
        let paragraph = page.split(separator: "\n", omittingEmptySubsequences: false).prefix { !$0.isEmpty }
        // Swift's word for a key that is absent.
        return paragraph.joined(separator: " ").replacing("`nil`", with: "no value").replacing(
            "|", with: "\\|")
    }
}

/// The pages cannot be written: something that they are made of is missing.
package struct DocumentationError: Error, Hashable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}
