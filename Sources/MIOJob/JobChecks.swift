import MIOBase
import MIOConfig
import MIOGraph
import MIOObjectives

/// All that can be found wrong with a job without its data.
struct JobChecks {
    let name: String
    let graph: Graph
    let outputs: [OutputSpecification]
    let data: JobData
    let training: TrainingOptions
    let communication: CommunicationOptions
    let checkpoints: CheckpointOptions
    let logging: LoggingOptions

    private var path: ConfigPath { ConfigPath() }

    /// - Returns: what is suspicious, but no error.
    /// - Throws: `ConfigError` for the first thing that is wrong.
    func run() throws(ConfigError) -> [String] {
        guard !name.isEmpty, !name.contains("/"), name != ".", name != ".." else {
            throw ConfigError(
                path: path.appending("name"),
                message: "expected a name that can be a folder's, without \"/\"; found \(quoted: name)")
        }
        try checkNumbers()
        try checkOutputs()
        try checkDataNames()
        try checkLogNames()
        try CheckpointChecks(
            checkpoints: checkpoints, logNames: Job.logNames(graph, outputs: outputs),
            hasValidation: data.validation != nil
        ).run()
        for (key, source) in data.parts {
            try check(source, at: path.appending("data").appending(key))
        }
        try ClassChecks(graph: graph, outputs: outputs, data: data).run()
        let nodes = Dictionary(graph.outputs.map { ($0.name, $0.node) }) { first, _ in first }
        return outputs.compactMap { activationWarning($0, node: nodes[$0.name]) } + softmaxWarnings
            + frozenWarning + unusedInputWarnings + untrainedWarnings + shardsWarning + unusedColumnWarnings
    }

    /// What a job file's reader has checked already, for jobs built in Swift.
    private func checkNumbers() throws(ConfigError) {
        try training.check(at: path.appending("training"))
        guard logging.everySteps >= 1 else {
            throw ConfigError(
                path: path.appending("logging").appending("every_steps"),
                message: "expected an integer of at least 1, found \(logging.everySteps)")
        }
        guard training.reproducible != .strict || communication.compression == .uncompressed else {
            throw ConfigError(
                path: path.appending("communication").appending("compression"),
                message:
                    "bfloat16 rounds machine by machine, so that training.reproducible: strict cannot hold; "
                    + "leave one of them away")
        }
    }

    private func checkOutputs() throws(ConfigError) {
        for output in graph.outputs {
            let spec = graph.spec(of: output.source)
            guard spec.element != .float32 else { continue }
            throw ConfigError(
                path: path.appending("model").appending("outputs").appending(output.name),
                message:
                    "expected an output of real numbers, found \(spec): whole numbers go into an Embedding, or "
                    + "become real ones by a Rescaling of scale 1")
        }
        let path = path.appending("outputs")
        let names = graph.outputs.map(\.name)
        guard !outputs.isEmpty else {
            throw ConfigError(
                path: path,
                message: "expected a loss for at least one output of the model: "
                    + listed(names))
        }
        var seen: Set<String> = []
        for output in outputs {
            let place = path.appending(output.name)
            guard let shape = graph.shape(ofOutput: output.name) else {
                throw ConfigError(path: place, message: ConfigReader.unknown(output.name, valid: names))
            }
            guard seen.insert(output.name).inserted else {
                throw ConfigError(path: place, message: "the output has two entries; keep one")
            }
            guard Float(output.weight).isFinite, output.weight >= 0 else {
                throw ConfigError(
                    path: place.appending("weight"),
                    message: "expected a number of at least 0 that 32-bit floats hold, found \(output.weight)"
                )
            }
            do { _ = try output.loss.targetShape(forPrediction: shape) } catch {
                throw ConfigError(path: place.appending("loss"), message: error.description)
            }
            if let problem = output.classWeights?.problem(of: output.loss, prediction: shape) {
                throw ConfigError(path: place.appending("class_weight"), message: problem)
            }
            for (key, metrics) in [
                ("metrics", output.metrics), ("weighted_metrics", output.weightedMetrics),
            ] {
                for (index, metric) in metrics.enumerated() {
                    do {
                        try metric.check(prediction: shape, targetKind: output.loss.targetKind)
                    } catch {
                        throw ConfigError(
                            path: place.appending(key).appending(index: index), message: error.description)
                    }
                }
            }
            try checkMissingNumber(of: output, at: place)
        }
    }

    /// A class label has a missing label, a number a missing value.
    private func checkMissingNumber(of output: OutputSpecification, at path: ConfigPath) throws(ConfigError) {
        let loss = type(of: output.loss).className
        if let label = output.missingLabel {
            let path = path.appending("missing_label")
            guard output.loss.hasClassLabels else {
                throw ConfigError(
                    path: path,
                    message:
                        "only class labels have a missing label; the targets of \(loss) are numbers, where "
                        + "NaN means unlabelled. For another number write missing_value: \(label)")
            }
            // Targets are compared as 32-bit floating point numbers.
            guard Int(exactly: Float(label)) == label else {
                throw ConfigError(
                    path: path,
                    message: "expected an integer that 32-bit floating point holds exactly, found \(label)")
            }
        }
        if let value = output.missingValue {
            let path = path.appending("missing_value")
            guard !output.loss.hasClassLabels else {
                throw ConfigError(
                    path: path,
                    message:
                        "only numbers have a missing value; the targets of \(loss) are class labels, where NaN "
                        + "and missing_label (\(OutputSpecification.defaultMissingLabel) unless it is set) mean "
                        + "unlabelled. Write "
                        + (Int(exactly: value).map { "missing_label: \($0)" } ?? "missing_label, an integer"))
            }
            guard Float(value).isFinite else {
                throw ConfigError(
                    path: path,
                    message: "expected a finite 32-bit number, found \(value). NaN means unlabelled anyhow")
            }
        }
    }

    /// An input or another output that has the name of an output's sample weights would be read as them.
    private func checkDataNames() throws(ConfigError) {
        let weights = Set(outputs.map { $0.name + "_weight" })
        let named =
            graph.inputs.map { (path.appending("model").appending("inputs").appending($0.name), $0.name) }
            + outputs.map { (path.appending("outputs").appending($0.name), $0.name) }
        for (place, name) in named where weights.contains(name) {
            throw ConfigError(
                path: place,
                message: "the data's \(quoted: name) is the sample weights of the output "
                    + "\(quoted: name.dropLast("_weight".count)); rename one of the two")
        }
    }

    /// Every number that is logged needs a key of its own: Keras' names, `LogNames`.
    private func checkLogNames() throws(ConfigError) {
        let hasPrefix = graph.outputs.count > 1
        var taken = Set(
            LoggingOptions.reservedNames + ["loss"] + (graph.hasRegularizers ? ["regularization_loss"] : []))
        var named: [(name: String, place: ConfigPath)] = []
        for output in outputs where hasPrefix {
            named.append((output.name + "_loss", path.appending("outputs").appending(output.name)))
        }
        for output in outputs where output.weightSchedule != nil {
            named.append(
                (
                    hasPrefix ? output.name + "_loss_weight" : "loss_weight",
                    path.appending("outputs").appending(output.name).appending("weight")
                ))
        }
        for output in outputs {
            for (key, metrics) in [
                ("metrics", output.metrics), ("weighted_metrics", output.weightedMetrics),
            ] {
                guard let shape = graph.shape(ofOutput: output.name) else { continue }
                for (index, metric) in metrics.enumerated() {
                    let place = path.appending("outputs").appending(output.name).appending(key)
                        .appending(index: index)
                    for name in metric.valueNames(prediction: shape) {
                        named.append((hasPrefix ? "\(output.name)_\(name)" : name, place))
                    }
                }
            }
        }
        for (name, place) in named where !taken.insert(name).inserted {
            throw ConfigError(
                path: place,
                message: "logs already have a \(quoted: name); write {class: …, name: …} with another name")
        }
        guard data.validation != nil else { return }
        for (name, place) in named where name.hasPrefix("val_") && taken.contains(String(name.dropFirst(4))) {
            throw ConfigError(
                path: place,
                message:
                    "logs would have two \(quoted: name): validation's \(quoted: name.dropFirst(4)) is called so; "
                    + "choose another name")
        }
    }

    private func check(_ source: DataSource, at path: ConfigPath) throws(ConfigError) {
        let outputNames = graph.outputs.map(\.name)
        let valid = graph.inputs.map(\.name) + outputNames + outputNames.map { $0 + "_weight" }
        let known = Set(valid)
        for (key, name) in source.names where !known.contains(name) {
            throw ConfigError(
                path: path.appending(key).appending(name),
                message: ConfigReader.unknown(name, valid: valid))
        }
        if case .memory = source.files, !source.columns.isEmpty {
            throw ConfigError(
                path: path.appending("columns"),
                message: "arrays in memory have the names of inputs and outputs; there are no columns to name"
            )
        }
        guard case .arrays(let arrays) = source.files else { return }
        if !source.columns.isEmpty {
            throw ConfigError(
                path: path.appending("columns"),
                message: "files gives each array files of its own, so there are no columns to name")
        }
        for input in graph.inputs where arrays[input.name] == nil {
            throw ConfigError(
                path: path.appending("files").appending(input.name),
                message: "missing; every input of the model needs its files")
        }
    }

    // MARK: Warnings

    /// A loss of probabilities after no such activation, or a loss of logits after one.
    private func activationWarning(_ output: OutputSpecification, node: Int?) -> String? {
        guard let node, let activation = graph.layer(of: node).outputActivation else { return nil }
        let loss = type(of: output.loss).className
        if let expected = output.loss.absorbs?.rawValue, activation == .linear {
            return "outputs.\(output.name): \(loss) expects probabilities, and the output has no activation; "
                + "write activation: \(expected), or from_logits: true for the loss"
        }
        if output.loss.fromLogits, activation == .softmax || activation == .sigmoid {
            return "outputs.\(output.name): \(loss) expects logits (from_logits), and the output ends in "
                + "\(activation.rawValue); remove one of the two"
        }
        return nil
    }

    /// Keras' warning of the same.
    private var softmaxWarnings: [String] {
        var told: Set<Int> = []
        return graph.nodes.filter { node in
            graph.layers[node.layer].layer.outputActivation == .softmax
                && node.shape.last == 1 && told.insert(node.layer).inserted
        }.map { node in
            let entry = graph.layers[node.layer]
            return
                "model: layer \(quoted: entry.name) (\(type(of: entry.layer).className)): softmax over an axis of size 1 "
                + "is 1 whatever the weights are, and they learn nothing; did you mean sigmoid?"
        }
    }

    private var frozenWarning: [String] {
        graph.weights.isEmpty || graph.weights.contains(where: \.trainable)
            ? [] : ["model: no layer with weights is trained: all are frozen (freeze, trainable: false)"]
    }

    private var shardsWarning: [String] {
        training.reproducible == .strict || training.virtualShards == TrainingOptions().virtualShards
            ? []
            : [
                "training.virtual_shards: \(training.virtualShards) is used only with "
                    + "training.reproducible: strict"
            ]
    }

    private var unusedInputWarnings: [String] {
        let used = Set((graph.nodes.flatMap(\.inputs) + graph.outputs.map(\.source)).map(\.node))
        return graph.inputs.filter { !used.contains($0.node) }
            .map { "model.inputs.\($0.name): no output depends on it" }
    }

    /// Columns of an output without a loss are never read.
    private var unusedColumnWarnings: [String] {
        var output: [String: String] = [:]
        for name in untrained {
            output[name] = name
            output[name + "_weight"] = name
        }
        return data.parts.flatMap { key, source in
            source.names.compactMap { entry in
                guard !source.inheritsColumns || entry.key == "files",
                    let output = output[entry.name]
                else { return nil }
                return
                    "data.\(key).\(entry.key).\(entry.name): is not read, because outputs has no entry for "
                    + "\(quoted: output)"
            }
        }
    }

    private var untrainedWarnings: [String] {
        untrained.map {
            "outputs: \(quoted: $0) has no entry, so it has no loss: it is predicted, but not trained"
        }
    }

    /// The model's outputs without a loss.
    private var untrained: [String] {
        let trained = Set(outputs.map(\.name))
        return graph.outputs.map(\.name).filter { !trained.contains($0) }
    }
}
