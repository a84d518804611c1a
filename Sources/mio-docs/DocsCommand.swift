import ArgumentParser
import MIODocumentation

@main
struct DocsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mio-docs",
        abstract:
            "Writes the pages of docs/ that list layers, losses, metrics, optimizers and the job's keys.",
        discussion:
            "The pages come from the registries and from the doc comments in Sources. scripts/docs runs it.")

    @Option(help: "The folder of Package.swift.")
    var root = "."

    @Flag(help: "Write nothing; fail if a page of docs/ is another one.")
    var check = false

    func run() throws {
        var stale: [String] = []
        for page in try Page.all(root: root) {
            if check {
                if page.committed(root: root) != page.text { stale.append(page.name) }
            } else if try page.write(root: root) {
                print("mio-docs: wrote docs/\(page.name)")
            }
        }
        guard stale.isEmpty else {
            throw ValidationError(
                "not what the sources say: \(stale.map { "docs/" + $0 }.joined(separator: ", ")); run scripts/docs"
            )
        }
    }
}
