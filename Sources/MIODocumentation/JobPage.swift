import MIOConfig
import MIOJob

/// The page of the job file's keys. A key that a section's reader asks for appears by itself; so does a section that is read
/// with `optionalDictionary`.
enum JobPage {
    /// The shortest job. Sections that it leaves out are entered all the same.
    private static let job = """
        model:
          inputs: {x: {shape: [1]}}
          layers: [{name: y, class: Dense, inputs: x, units: 1}]
          outputs: [y]
        outputs: {y: {loss: mean_squared_error}}
        data: {train: {files: "train-*.npz"}}
        weights: [{file: base.keras}]
        notifications: [{command: [example]}]
        """

    /// Paths of `job` that have a name or a number of the user's, and how the page calls them.
    private static let renamed = [
        "outputs.y": "outputs.NAME", "model.layers[0]": "model.layers", "notifications[0]": "notifications",
        "weights[0]": "weights",
    ]

    /// What other pages list, what has the user's names for keys, and what is read as `data.train` is.
    private static let left = [
        "model.inputs", "model.inputs.x", "outputs", "outputs.y.loss", "optimizer", "data.train.columns",
        "data.classes", "data.validation", "data.validation.columns", "data.test", "data.test.columns",
    ]

    /// - Throws: `DocumentationError` if the job cannot be read.
    static func markdown(_ index: SourceIndex) throws(DocumentationError) -> String {
        let recorder = ConfigRecorder(entersOptionalMappings: true)
        do {
            _ = try ConfigRecorder.$current.withValue(recorder) { try Job(yaml: job, folder: "/example") }
        } catch {
            throw DocumentationError("the job of JobPage cannot be read: \(error)")
        }
        var paths: [String] = []
        for key in recorder.keys where !paths.contains(key.path.description) {
            paths.append(key.path.description)
        }
        // They stand on the page of layers.
        let arguments =
            try RegistryPages.layers().entries.first { $0.name == "Dense" }?.keys.map(\.name) ?? []

        paths.removeAll { left.contains($0) }
        let titles = paths.map { renamed[$0] ?? $0 }

        var sections: [String] = []
        for (path, title) in zip(paths, titles) {
            var keys = recorder.keys(at: ConfigPath(path))
            if title == "model.layers" { keys.removeAll { arguments.contains($0.name) } }
            let key = title.replacing("NAME", with: "<name>")
            let types = path.isEmpty ? ["Job"] : index.types(whoseCommentContains: "`\(key)` of a job file")
            let comment = path.isEmpty ? nil : types.first.flatMap { try? index.comment(ofType: $0).page }
            // GitHub's anchors have no points.
            var anchors: [String: String] = [:]
            for other in titles where !other.isEmpty {
                let parts = other.split(separator: ".").map(String.init)
                guard
                    parts.dropLast().joined(separator: ".") == path || (parts.last == "NAME" && path.isEmpty)
                else { continue }
                anchors[parts.last == "NAME" ? parts[0] : parts[parts.count - 1]] =
                    other.replacing(".", with: "").lowercased()
            }
            let table = KeyTable(keys, types: types, sections: anchors, in: index).markdown
            let heading = title.isEmpty ? "Top level" : "`\(title)`"
            sections.append("## \(heading)\n\n" + (comment.map { $0 + "\n\n" } ?? "") + table)
        }
        return """
            # Keys of the job file

            \(Page.note)

            [The job file](job.md) explains data, labels, precision and reproducibility. A mapping that is absent is one with
            its defaults. `data.validation` and `data.test` have the keys of `data.train`, and take from it what they leave out
            besides `files`.

            \(sections.joined(separator: "\n\n"))

            """
    }
}
