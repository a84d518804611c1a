import Foundation
import MIOBase
import MIOConfig
import MIOFiles
import MIOFormats
import MIOGraph

/// Writes a trained model as a `.keras` file, which Keras loads, predicts the same with, and goes on training.
package struct KerasWriter {
    /// The optimizer's variables, as `optimizer/vars` has them.
    package struct OptimizerVariables {
        package let iterations: Int
        /// `nil` where the learning rate follows a schedule, which Keras keeps in no variable.
        package let learningRate: Float?
        /// All others in Keras' order.
        package let slots: [NamedTensor]

        package init(iterations: Int, learningRate: Float?, slots: [NamedTensor]) {
            self.iterations = iterations
            self.learningRate = learningRate
            self.slots = slots
        }
    }

    /// The version of Keras whose format this is.
    private static let kerasVersion = "3.15.1"

    private let config: ConfigDictionary
    private let tree: LayerTree
    private let places: [String: String]
    /// A file that the model was read from, with numbers that mio does not have.
    private let source: KerasWeights?

    /// - Parameters:
    ///   - graph: the trained model.
    ///   - name: of the model.
    ///   - template: the file that the model was read from: its configuration is kept as it stands there, except for what is
    ///     trained. `nil` for a model that was written in a job.
    ///   - source: its weights.
    package init(_ graph: Graph, name: String, template: KerasModel?, source: KerasWeights?) {
        if let template, template.file.format == .keras, case .dictionary(let whole) = template.file.config {
            config = Self.marking(whole, graph)
            tree = LayerTree(configuration: template.file.config)
            self.source = source
        } else {
            config = ModelWriting.model(graph, name: Self.identifier(name))
            tree = LayerTree(graph)
            self.source = nil
        }
        let stores = tree.storePaths
        let distributed = tree.distributedPaths
        var places: [String: String] = [:]
        for entry in graph.layers where !entry.weights.isEmpty {
            guard let store = stores[entry.name] else { continue }
            let own = VariablePaths.paths(of: entry, isDistributed: distributed.contains(entry.name))
            for (weight, path) in zip(entry.weights, own) {
                places["\(entry.name)/\(weight.name)"] = "\(store)/\(path)"
            }
        }
        self.places = places
    }

    /// Keras' names have no slash.
    private static func identifier(_ name: String) -> String { name.replacing("/", with: "_") }

    /// The configuration with `trainable` as the graph has it.
    private static func marking(_ whole: ConfigDictionary, _ graph: Graph) -> ConfigDictionary {
        let frozen = Set(graph.layers.filter { !$0.isTrained && !$0.weights.isEmpty }.map(\.name))
        func marked(_ model: ConfigDictionary, _ prefix: String) -> ConfigDictionary {
            guard case .dictionary(var config)? = model["config"], case .list(let layers)? = config["layers"]
            else {
                return model
            }
            config["layers"] = .list(
                layers.map { value in
                    guard case .dictionary(var entry) = value,
                        let layer = try? KerasLayer(value, at: ConfigPath())
                    else { return value }
                    if layer.isModel { return .dictionary(marked(entry, prefix + layer.name + "/")) }
                    if case .dictionary(let inner)? = layer.distributedModel {
                        var own = layer.config
                        own["layer"] = .dictionary(marked(inner, prefix + layer.name + "/"))
                        entry["config"] = .dictionary(own)
                    }
                    if frozen.contains(prefix + layer.name), case .dictionary(var own)? = entry["config"] {
                        own["trainable"] = false
                        entry["config"] = .dictionary(own)
                    }
                    return .dictionary(entry)
                })
            var model = model
            model["config"] = .dictionary(config)
            return model
        }
        return marked(whole, "")
    }

    /// Writes the file, whole or not at all.
    /// - Parameters:
    ///   - weights: all of the graph's, by name.
    ///   - compile: what the model was trained for.
    /// - Throws: `KerasFileError`, `FileError`.
    package func write(
        _ weights: [NamedTensor], optimizer: OptimizerVariables?, compile: CompileWriting?, to path: String
    ) throws {
        var config = config
        config["compile_config"] = compile?.config ?? .null
        // Without Keras' `date_saved`, which nothing reads: the same training gives the same file.
        let metadata: ConfigDictionary = ["keras_version": .string(Self.kerasVersion)]
        try replace(path) { temporary in
            let values = AtomicFile.temporaryPath(for: path + ".h5")
            try Folder.remove(values)
            defer { try? Folder.remove(values) }
            try writeValues(weights, optimizer, to: values)
            try ZipArchive.write(
                temporary,
                texts: [
                    ("metadata.json", Array(ConfigValue.dictionary(metadata).pythonJSON.utf8)),
                    ("config.json", Array(ConfigValue.dictionary(config).pythonJSON.utf8)),
                ], files: [("model.weights.h5", values)])
        }
    }

    /// Writes weights and the optimizer's variables as Keras' `save_weights` does, whole or not at all.
    /// - Parameter weights: all of the graph's, by name.
    /// - Throws: `KerasFileError`, `FileError`.
    package func writeWeights(
        _ weights: [NamedTensor], optimizer: OptimizerVariables?, to path: String
    ) throws {
        try replace(path) { try writeValues(weights, optimizer, to: $0) }
    }

    /// Replaces a file by one that is written beside it and synchronized.
    private func replace(_ path: String, write: (_ temporary: String) throws -> Void) throws {
        try AtomicFile.verifyReplaceable(path)
        let temporary = AtomicFile.temporaryPath(for: path)
        try Folder.remove(temporary)
        defer { try? Folder.remove(temporary) }
        try write(temporary)
        try OpenFile(temporary, .appending).synchronize()
        try Folder.rename(temporary, to: path)
        try Folder.synchronize(Folder.parent(of: path))
    }

    private func writeValues(_ weights: [NamedTensor], _ optimizer: OptimizerVariables?, to path: String)
        throws
    {
        var file = try HDF5Writer(path)
        // Every layer has its group, and in it its name.
        try file.group("vars")
        if case .dictionary(let own)? = config["config"], case .string(let name)? = own["name"] {
            try file.setAttribute("name", of: "vars", to: name)
        }
        for (_, store, node) in tree.all {
            try file.group("\(store)/vars")
            try file.setAttribute("name", of: "\(store)/vars", to: node.name)
        }
        var written: Set<String> = []
        for tensor in weights {
            guard let place = places[tensor.name] else {
                throw KerasFileError(path, tensor.name, "has no place in a .keras file")
            }
            try file.write(place, shape: tensor.shape.dimensions, tensor.values)
            written.insert(place)
        }
        try source?.copyOthers(than: written, to: &file)
        if let optimizer {
            try file.write("optimizer/vars/0", integer: optimizer.iterations)
            var next = 1
            if var rate = optimizer.learningRate {
                try withUnsafePointer(to: &rate) {
                    try file.write("optimizer/vars/1", shape: [], UnsafeBufferPointer(start: $0, count: 1))
                }
                next = 2
            }
            for slot in optimizer.slots {
                try file.write("optimizer/vars/\(next)", shape: slot.shape.dimensions, slot.values)
                next += 1
            }
        }
        try file.close()
    }
}
