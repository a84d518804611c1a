import MIOBase
import MIOConfig
import MIOGraph
import MIOObjectives

/// Checks of the names of classes that need no data.
struct ClassChecks {
    let graph: Graph
    let outputs: [OutputSpecification]
    let data: JobData

    private var path: ConfigPath { ConfigPath() }

    /// Characters of the name of an output's class.
    private static let longestName = 1000

    func run() throws(ConfigError) {
        for output in outputs { try check(output) }
        for column in data.classes.keys.sorted() { try check(column: column) }
    }

    private func check(_ output: OutputSpecification) throws(ConfigError) {
        guard let classes = output.classes, let shape = graph.shape(ofOutput: output.name) else { return }
        let place = path.appending("outputs").appending(output.name).appending("classes")
        let loss = type(of: output.loss).className
        let isOneHot = output.loss.targetKind == .classShares
        guard output.loss.hasClassLabels || isOneHot else {
            throw ConfigError(
                path: place, message: "the targets of \(loss) are numbers, which have no classes")
        }
        guard !isOneHot || classes != .appearance else {
            throw ConfigError(
                path: place,
                message:
                    "\(loss) takes one-hot targets, not texts; use sparse_categorical_crossentropy, "
                    + "or list the names")
        }
        // Labels of 0 and 1 whatever the units.
        let count = output.loss.targetKind == .classIndex || isOneHot ? shape.last : 2
        if let names = classes.names, names.count != count {
            throw ConfigError(
                path: place,
                message:
                    "\(counted(names.count, "class", plural: "classes")) (\(listed(names, most: 12))), but "
                    + (count == shape.last ? "the output has \(count) units" : "\(loss) has 2: 0 and 1"))
        }
        if let long = classes.names?.first(where: { $0.unicodeScalars.count > Self.longestName }) {
            throw ConfigError(
                path: place,
                message:
                    "\(quoted: long) is too long a name: at most \(Self.longestName) characters, because predictions "
                    + "give every name the room of the longest")
        }
        let other = output.name + "_classes"
        guard graph.shape(ofOutput: other) == nil else {
            throw ConfigError(
                path: place,
                message:
                    "predictions would hold two arrays \(quoted: other): the names of the classes, and the output of "
                    + "that name; rename one of the outputs")
        }
    }

    /// Names of columns that inputs are read from.
    private func check(column: String) throws(ConfigError) {
        let place = path.appending("data").appending("classes").appending(column)
        let sources = data.parts.map(\.source)
        let valid = Set(
            sources.flatMap { source in graph.inputs.flatMap { source.columnNames(of: $0.name) } })
        if valid.contains(column) { return }
        for output in graph.outputs
        where sources.contains(where: { $0.columnNames(of: output.name).contains(column) }) {
            throw ConfigError(
                path: place,
                message:
                    "is the target of the output \(quoted: output.name); write outputs.\(output.name).classes"
            )
        }
        throw ConfigError(
            path: place,
            message: "no input reads this column: " + ConfigReader.unknown(column, valid: valid.sorted()))
    }
}

extension DataSource {
    /// The columns that an array is read from.
    package func columnNames(of array: String) -> [String] {
        switch columns[array] {
        case .name(let name): [name]
        case .list(let names): names
        case nil: [array]
        }
    }
}
