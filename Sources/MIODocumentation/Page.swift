import Foundation
import MIOFiles

/// A page of `docs/` that is generated.
package struct Page: Sendable {
    /// In `docs/`: `layers.md`.
    package let name: String
    package let text: String

    static let note =
        "<!-- Written by scripts/docs from the registries and the doc comments in Sources. Do not edit. -->"

    /// All pages, from the registries of this program and the doc comments of the sources.
    /// - Parameter root: the folder of `Package.swift`.
    /// - Throws: `DocumentationError`: a class without a doc comment, or one that cannot be made with its defaults.
    package static func all(root: String) throws -> [Page] {
        let index = try SourceIndex(root: root)
        return [
            Page(name: "layers.md", text: try RegistryPages.layers().markdown(index)),
            Page(name: "losses.md", text: try RegistryPages.losses().markdown(index)),
            Page(name: "metrics.md", text: try RegistryPages.metrics().markdown(index)),
            Page(name: "optimizers.md", text: try RegistryPages.optimizers().markdown(index)),
            Page(name: "schedules.md", text: try RegistryPages.schedules().markdown(index)),
            Page(name: "callbacks.md", text: try RegistryPages.callbacks().markdown(index)),
            Page(name: "regularizers.md", text: try RegistryPages.regularizers().markdown(index)),
            Page(name: "constraints.md", text: try RegistryPages.constraints().markdown(index)),
            Page(name: "activations.md", text: try NamePages.activations(index)),
            Page(name: "initializers.md", text: try NamePages.initializers(index)),
            Page(name: "keys.md", text: try JobPage.markdown(index)),
        ]
    }

    /// The page as it is committed; `nil` if there is none.
    package func committed(root: String) -> String? {
        try? String(contentsOfFile: Folder.join(root, "docs/" + name), encoding: .utf8)
    }

    /// Writes the page into `docs/`.
    /// - Returns: whether it was another one before.
    @discardableResult
    package func write(root: String) throws -> Bool {
        guard committed(root: root) != text else { return false }
        try text.write(toFile: Folder.join(root, "docs/" + name), atomically: true, encoding: .utf8)
        return true
    }
}
