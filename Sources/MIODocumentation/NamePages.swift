import MIOConfig
import MIOGraph

/// The pages of what has a name and little else: activations and initializers.
enum NamePages {
    /// - Throws: `DocumentationError` if one has no doc comment.
    static func activations(_ index: SourceIndex) throws(DocumentationError) -> String {
        var rows: [[String]] = []
        for activation in Activation.allCases {
            rows.append([
                "`\(activation.rawValue)`",
                try meaning(of: activation.rawValue, in: "Activation", index),
            ])
        }
        return """
            # Activations

            \(Page.note)

            What `activation` of a layer names, and the layer [`Activation`](layers.md#activation). Each is
            [Keras'](https://keras.io/api/layers/activations/) with its default arguments. Without the argument a layer is linear.

            \(KeyTable.table(["Name", "Of x"], rows))

            """
    }

    /// - Throws: `DocumentationError` if one has no doc comment.
    static func initializers(_ index: SourceIndex) throws(DocumentationError) -> String {
        let path = ConfigPath("example")
        var rows: [[String]] = []
        for name in Initializer.classNames {
            let recorder = ConfigRecorder()
            do {
                try ConfigRecorder.$current.withValue(recorder) {
                    var reader = ConfigReader(
                        ["kernel_initializer": .dictionary(["class": .string(name)])], at: path)
                    _ = try LayerRegistry.makeLayer(
                        className: Dense.className, classKey: "class", config: &reader)
                }
            } catch {
                throw DocumentationError("the initializer \(name) cannot be made with its defaults: \(error)")
            }
            let keys = recorder.keys(at: path.appending("kernel_initializer")).filter { $0.name != "class" }
            let arguments = keys.map {
                "`\($0.name)`" + ($0.fallback.map { " (`\(KeyTable.plain($0))`)" } ?? "")
            }
            rows.append([
                "`\(name)`", arguments.joined(separator: ", "),
                try meaning(of: name, in: "Initializer", index),
            ])
        }
        return """
            # Initializers

            \(Page.note)

            What a layer's `…_initializer` names: a class name, Keras' other spelling of it (`glorot_uniform`), or a mapping
            with arguments, `{class: RandomNormal, stddev: 0.01}`. They are
            [Keras'](https://keras.io/api/layers/initializers/). First values depend on the job's `seed` and on the
            weight's number in the model. The fans of a weight are its layer's: the numbers of inputs and outputs that an element of the kernel
            connects, for convolutions times the window's size.

            \(KeyTable.table(["Class", "Arguments (defaults)", "First values"], rows))

            """
    }

    private static func meaning(of name: String, in type: String, _ index: SourceIndex)
        throws(DocumentationError) -> String
    {
        guard let comment = index.comment(ofMember: name, inType: type) else {
            throw DocumentationError(
                "\(type): the case of \(name) has no doc comment; its page is made of it")
        }
        return comment.cell
    }
}
