import Foundation
import MIOConfig
import Testing

/// Checks that each class of a registry has a line in a list of samples, and each line a class.
/// - Parameters:
///   - registry: its name, for messages.
///   - registered: the names of its classes.
///   - sampled: the names on the lines.
///   - line: a line to begin with, for a class.
///   - file: of the list, in `Tests/RegistryTests`.
func expectLines(
    _ registry: String, registered: [String], sampled: [String], line: (String) -> String, file: String,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    for name in registered where !sampled.contains(name) {
        Issue.record(
            """
            \(registry) has \(name), and the suite does not know how to make one. Add a line like this to `samples` in \
            Tests/RegistryTests/\(file), with other arguments than the defaults: \(line(name))
            """, sourceLocation: sourceLocation)
    }
    for name in Set(sampled).subtracting(registered).sorted() {
        Issue.record(
            "Tests/RegistryTests/\(file) has a line for \(name), and \(registry) has no such class",
            sourceLocation: sourceLocation)
    }
    #expect(!registered.isEmpty, "\(registry) is empty", sourceLocation: sourceLocation)
}

/// The pages of `docs/` as they are committed.
enum Pages {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("docs")

    static func text(_ page: String) throws -> String {
        try String(contentsOf: folder.appendingPathComponent(page), encoding: .utf8)
    }

    /// Checks that a page has a section for a class: a text that begins with a whole sentence, and a row for each key.
    /// - Parameter keys: the keys that the class reads.
    static func expectSection(
        _ name: String, keys: [String], in page: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let sections = try text(page).components(separatedBy: "\n## ")
        guard let section = sections.dropFirst().first(where: { $0.hasPrefix(name + "\n") }) else {
            Issue.record(
                "docs/\(page) has no section for \(name). Run: scripts/docs", sourceLocation: sourceLocation)
            return
        }
        for key in keys {
            #expect(
                section.contains("\n| `\(key)` |"),
                "docs/\(page), \(name): the key \(key) is not there. Run: scripts/docs",
                sourceLocation: sourceLocation)
        }
        let body = section.dropFirst(name.count).trimmingCharacters(in: .whitespacesAndNewlines)
        let paragraph = body.components(separatedBy: "\n\n")[0].replacingOccurrences(of: "\n", with: " ")
        #expect(
            paragraph.contains(/\.(\s|$)/),
            "docs/\(page), \(name): the first sentence has no full stop: \"\(paragraph)\". Mend the doc comment",
            sourceLocation: sourceLocation)
    }

    /// Checks that a row of a table of names begins with a name and says something of it.
    static func expectRow(
        _ name: String, in page: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let row = try text(page).split(separator: "\n").first { $0.hasPrefix("| `\(name)` |") }
        #expect(
            row?.replacing("\\|", with: "").split(separator: "|").last?.contains { $0.isLetter } == true,
            "docs/\(page) has no row for \(name) that says what it is. Run: scripts/docs",
            sourceLocation: sourceLocation)
    }

    /// The keys that a class asks for at `example`.
    static func keys(_ read: () throws -> Void) rethrows -> [String] {
        let recorder = ConfigRecorder()
        try ConfigRecorder.$current.withValue(recorder) { try read() }
        return recorder.keys(at: example).map(\.name)
    }
}
