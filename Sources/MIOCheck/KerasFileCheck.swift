import MIOBase
import MIOConfig
import MIOFiles
import MIOGraph
import MIOKeras
import MIOObjectives
import MIOOptimizers

/// All that can be known of a file of Keras: its model, its weights, its compile arguments, and what mio cannot do of it.
package struct KerasFileCheck {
    /// For a person.
    package let lines: [String]
    /// What mio cannot do.
    package let error: KerasFileError?
    /// The model as a table, if mio can do all of it.
    private let model: KerasModel?

    /// - Parameter path: of a file of Keras, a model's or of weights alone.
    /// - Throws: `FileError`, `KerasFileError` if it is none.
    package init(_ path: String) throws {
        let file: KerasFile
        do {
            file = try KerasFile(path)
        } catch let error as KerasFileError {
            guard let contents = try? KerasWeightsFile(path) else { throw error }
            model = nil
            self.error = nil
            lines =
                ["\(path): \(contents.format.rawValue), \(counted(contents.datasets.count, "data set"))"]
                + contents.datasets.map { "  \($0.path.shown()) \(Shape($0.shape))" }
            return
        }
        var lines = [
            "\(path): \(file.format.rawValue)"
                + (file.kerasVersion.isEmpty ? "" : ", of Keras \(file.kerasVersion.shown(most: 40))")
        ]
        let read: Result<KerasModel, KerasFileError>
        do throws(KerasFileError) { read = .success(try KerasModel(file)) } catch { read = .failure(error) }
        switch read {
        case .success(let model):
            self.model = model
            error = nil
            lines += try Self.lines(of: model)
        case .failure(let failure):
            model = nil
            error = failure
            lines += ["layers:"]
            lines += LayerTree(configuration: file.config).lines
            // The model does not tell its outputs; the optimizer is known without them.
            if let compile = CompileArguments(file, outputs: []) { lines += Self.optimizerLines(compile) }
        }
        self.lines = lines
    }

    /// The table of Keras' `summary()`; `nil` for a file whose model mio cannot do.
    package func summary(columns: Int, expandNested: Bool) -> String? {
        model.map {
            $0.model.graph.summary(
                name: Folder.name(of: $0.file.path), columns: columns, expandNested: expandNested)
        }
    }

    private static func lines(of model: KerasModel) throws -> [String] {
        let graph = model.model.graph
        func terminals(_ terminals: [Graph.Terminal]) -> String {
            listed(terminals.map { "\(shown: $0.name) \(graph.spec(of: $0.source))" }, most: 40)
        }
        let count = graph.weights.reduce(0) { $0.clampedPlus($1.shape.count) }
        var lines = [
            "inputs:  \(terminals(graph.inputs))", "outputs: \(terminals(graph.outputs))",
            "model:   \(counted(count, "parameter")) in \(counted(graph.layers.count, "layer"))",
        ]
        let weights = try KerasWeights(model.file.path, for: graph, atMost: count.clampedTimes(6))
        let match = try weights.match(graph)
        let lacking = match.missing + match.mismatched
        lines.append(
            "weights: \(match.found.count) of \(graph.weights.count)"
                + (lacking.isEmpty
                    ? ""
                    : "; not \(listed(lacking.map { "\(quoted: $0.name) (\($0.reason))" }, most: 6, longest: 400))")
        )
        let nonFinite = try graph.weights.filter { parameter in
            guard let place = match.found[parameter.name] else { return false }
            return try !weights.tensor(at: place, shape: parameter.shape).values.allSatisfy(\.isFinite)
        }
        if !nonFinite.isEmpty {
            lines.append(
                "warning: not all numbers are finite in \(listed(nonFinite.map { "\(quoted: $0.name)" }, most: 6))"
            )
        }
        guard let compile = CompileArguments(model.file, outputs: graph.outputs.map(\.name)) else {
            return lines + ["compile: none; a job needs outputs with losses"]
        }
        lines += compileLines(compile, graph)
        let variables = try weights.optimizer(hasLearningRate: true)?.slots.count ?? 0
        lines.append(
            "optimizer's variables: "
                + (variables > 0 ? "\(variables); a job without an optimizer goes on with them" : "none"))
        return lines
    }

    /// What each compile argument is in mio, or why mio cannot do it.
    private static func compileLines(_ compile: CompileArguments, _ graph: Graph) -> [String] {
        var lines = optimizerLines(compile)
        for output in graph.outputs {
            guard let entries = compile.outputs[output.name] else {
                lines.append("output \(shown: output.name): no loss")
                continue
            }
            let path = ConfigPath("outputs.\(output.name)")
            let refused = refusals(entries, at: path)
            guard refused.isEmpty else {
                lines += refused.map { "warning: \($0); a job must write this key itself" }
                continue
            }
            var reader = ConfigReader(entries, at: path)
            do {
                let specification = try OutputSpecification(output.name, reading: &reader)
                let metrics = specification.allMetrics.map(\.name)
                lines.append(
                    "output \(shown: output.name): \(type(of: specification.loss).className), weight \(specification.weight)"
                        + (metrics.isEmpty ? "" : ", metrics " + listed(metrics)))
            } catch {
                lines.append("warning: \(error); a job must write this key itself")
            }
        }
        return lines
    }

    private static func optimizerLines(_ compile: CompileArguments) -> [String] {
        guard let value = compile.optimizer else { return [] }
        do {
            let optimizer = try OptimizerRegistry.read(value, at: ConfigPath("optimizer"))
            return [
                "optimizer: \(type(of: optimizer).className), learning rate \(optimizer.options.learningRate.config.json())"
            ]
        } catch {
            return ["warning: \(error); a job must have an optimizer of its own"]
        }
    }

    /// Every compile argument of an output that a job would be refused for, not the first one alone.
    private static func refusals(_ entries: ConfigDictionary, at path: ConfigPath) -> [ConfigError] {
        var found: [ConfigError] = []
        if let loss = entries["loss"] {
            do throws(ConfigError) {
                _ = try LossRegistry.read(loss, at: path.appending("loss"))
            } catch {
                found.append(error)
            }
        }
        for key in ["metrics", "weighted_metrics"] {
            guard case .list(let metrics)? = entries[key] else { continue }
            for (index, metric) in metrics.enumerated() {
                do throws(ConfigError) {
                    _ = try MetricRegistry.read(metric, at: path.appending(key).appending(index: index))
                } catch {
                    found.append(error)
                }
            }
        }
        return found
    }
}

extension LayerTree {
    /// The layers with their classes, indented.
    fileprivate var lines: [String] { lines(indentation: "  ") }

    private func lines(indentation: String) -> [String] {
        nodes.flatMap { node in
            ["\(indentation)\(node.name.shown(most: 80)) (\(node.className.shown(most: 60)))"]
                + (node.children?.lines(indentation: indentation + "  ") ?? [])
        }
    }
}
