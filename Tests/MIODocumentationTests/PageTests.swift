import Foundation
import MIOCallbacks
import MIODocumentation
import MIOGraph
import MIOObjectives
import MIOOptimizers
import Testing

@Suite struct PageTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path
    private static let pages = Result { try Page.all(root: root) }

    @Test func committedPagesAreWhatTheSourcesSay() throws {
        let pages = try Self.pages.get()
        #expect(pages.count == 11)
        for page in pages {
            #expect(
                page.committed(root: Self.root) == page.text,
                "docs/\(page.name) is not what the registries and doc comments say. Run: scripts/docs")
        }
    }

    @Test func everyRegisteredNameHasASection() throws {
        let pages = try Self.pages.get()
        func expectSections(_ page: String, _ names: [String]) throws {
            let text = try #require(pages.first { $0.name == page }).text
            #expect(!names.isEmpty)
            for name in names { #expect(text.contains("\n## \(name)\n"), "docs/\(page) has no \(name)") }
        }
        try expectSections("layers.md", LayerRegistry.classNames.filter { $0 != "InputLayer" })
        try expectSections("losses.md", LossRegistry.all)
        try expectSections("metrics.md", MetricRegistry.all)
        try expectSections("optimizers.md", OptimizerRegistry.all)
        try expectSections("regularizers.md", RegularizerRegistry.all)
        try expectSections("constraints.md", ConstraintRegistry.all)
        try expectSections("schedules.md", ScheduleRegistry.all)
        try expectSections("callbacks.md", CallbackRegistry.all)
    }

    @Test func everyArgumentSaysWhatItMayBe() throws {
        // A row of a table of keys whose second cell is empty: a key read with `value(_:)` that nobody described.
        for page in try Self.pages.get() {
            for line in page.text.split(separator: "\n") where line.hasPrefix("| `") {
                let cells = line.split(separator: "|", omittingEmptySubsequences: false).dropFirst()
                    .dropLast()
                guard cells.count == 4 else { continue }
                #expect(
                    !cells[cells.startIndex + 1].allSatisfy { $0 == " " },
                    "docs/\(page.name): \(line): its reader should call describe(_:_:default:)")
            }
        }
    }

    @Test func rowsHaveDefaultsAndMeanings() throws {
        let pages = try Self.pages.get()
        let layers = try #require(pages.first { $0.name == "layers.md" }).text
        #expect(layers.contains("| `units` | an integer of at least 1 | required |"))
        #expect(layers.contains("| `activation` | an [activation](activations.md) | `linear` |"))
        #expect(
            layers.contains("| `kernel_initializer` | an [initializer](initializers.md) | `GlorotUniform` |"))
        let keys = try #require(pages.first { $0.name == "keys.md" }).text
        #expect(
            keys.contains("| `batch_size` | an integer | `32` | Samples of a batch on all ranks together."))
        #expect(keys.contains("## `data.train`"))
        #expect(keys.contains("| `every_steps` | an integer of at least 0 | `0` |"))
        let optimizers = try #require(pages.first { $0.name == "optimizers.md" }).text
        #expect(optimizers.contains("| `learning_rate` | a number or a [schedule](schedules.md) | `0.001` |"))
        #expect(optimizers.contains("| `weight_decay` | a number of at least 0 | `0.004` |"))
    }
}
