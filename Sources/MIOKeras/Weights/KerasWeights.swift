import MIOBase
import MIOConfig
import MIOFiles
import MIOGraph

/// The weights of a file of Keras, by the names that a graph has for them.
///
/// Layers are found by path: names, whatever their order. Not Sendable, as `HDF5File` is not.
package final class KerasWeights {
    package let path: String
    package let format: KerasFile.Format
    private let hdf5: HDF5File
    /// Of the file's own configuration; `nil` where it has none.
    private let tree: LayerTree?
    /// Where a layer's variables are in a file of Keras 3, by the layer's path.
    private let stores: [String: String]
    /// The paths of layers inside the model of a `TimeDistributed`.
    private let distributed: Set<String>

    /// More than a data set's own bytes take in HDF5, header and all.
    private static let overhead = 1 << 16

    /// Opens a file of weights, or the weights of a model's file.
    /// - Parameter expected: elements that the weights may have in all, an optimizer's variables among them; larger files
    ///   are refused before memory is asked for.
    /// - Throws: `FileError`, `KerasFileError`.
    package init(_ path: String, for graph: Graph, atMost expected: Int) throws {
        self.path = path
        let file = try MappedFile(path)
        if HDF5File.isHDF5(file.bytes) {
            requireMemory(file.bytes.count.clampedTimes(2))
            hdf5 = try HDF5File(image: Array(file.bytes), name: path)
            let hasModel = try hdf5.strings(ofAttribute: "model_config")
            if let text = hasModel?.first {
                format = .legacyModel
                tree = LayerTree(
                    configuration: (try? ConfigValue(orderedJSON: Array(text.utf8))) ?? .null)
            } else {
                format =
                    try hdf5.chunkedStrings(ofAttribute: "layer_names") != nil ? .legacyWeights : .weights
                tree = nil
            }
        } else {
            guard file.bytes.starts(with: [0x50, 0x4B]) else {
                throw KerasFileError(
                    path,
                    "expected a .keras file (a zip archive) or HDF5, found neither; save it again with Keras")
            }
            let archive = try ZipArchive(file)
            format = .keras
            let config = try? ConfigValue(
                orderedJSON: archive.contents(of: "config.json", atMost: 64 << 20))
            tree = LayerTree(configuration: config ?? .null)
            // What is stored is in the file already; what is deflated could be anything.
            let most = max(
                file.bytes.count,
                expected.clampedTimes(MemoryLayout<Float>.stride * 2).clampedPlus(
                    graph.weights.count.clampedTimes(8 * Self.overhead).clampedPlus(16 << 20)))
            hdf5 = try HDF5File(
                image: archive.contents(of: "model.weights.h5", atMost: most),
                name: "\(path): model.weights.h5")
        }
        stores = try Self.stores(hdf5, format, tree, graph)
        distributed =
            tree?.distributedPaths
            ?? Set(stores.filter { $0.value.contains("/layer/layers/") }.keys)
    }

    /// Where layers are: by the file's configuration; else by the names in it, which newer versions of Keras write; else by
    /// the order of the graph's layers.
    private static func stores(
        _ hdf5: HDF5File, _ format: KerasFile.Format, _ tree: LayerTree?, _ graph: Graph
    )
        throws(KerasFileError) -> [String: String]
    {
        switch format {
        case .keras: return tree?.storePaths ?? [:]
        case .legacyModel, .legacyWeights: return [:]
        case .weights:
            var names: [String: String] = [:]
            for group in hdf5.groups.sorted() where group.hasSuffix("/vars") {
                guard let name = try hdf5.strings(ofAttribute: "name", at: group)?.first else { continue }
                names[String(group.dropLast("/vars".count))] = name
            }
            guard !names.isEmpty else { return LayerTree(graph).storePaths }
            var stores: [String: String] = [:]
            for (store, name) in names {
                // layers/functional/layers/dense, and layers/time_distributed/layer/layers/dense, but not
                // layers/bidirectional/forward_layer
                var parts = store.split(separator: "/").map(String.init)
                var path = name
                while parts.count > 2, parts[parts.count - 2] == "layers" {
                    parts.removeLast(2)
                    if !parts.count.isMultiple(of: 2), parts.last == "layer" { parts.removeLast() }
                    path = (names[parts.joined(separator: "/")] ?? "") + "/" + path
                }
                guard parts.count == 2, parts[0] == "layers" else { continue }
                stores[path] = store
            }
            return stores
        }
    }

    // MARK: Weights

    /// Where a graph's weights are in the file.
    package struct Match: Sendable {
        /// The data set of each weight that the file has, by the weight's name.
        package fileprivate(set) var found: [String: String] = [:]
        /// Weights that the file does not have: names, with why.
        package fileprivate(set) var missing: [(name: String, reason: String)] = []
        /// Weights that the file has in another shape.
        package fileprivate(set) var mismatched: [(name: String, reason: String)] = []
    }

    /// Finds a graph's weights.
    /// - Parameter isWanted: asked for the path of each layer.
    package func match(_ graph: Graph, isWanted: (String) -> Bool = { _ in true }) throws(KerasFileError)
        -> Match
    {
        let candidates = try legacyCandidates(graph)
        var match = Match()
        for entry in graph.layers where !entry.weights.isEmpty && isWanted(entry.name) {
            let own = VariablePaths.paths(of: entry, isDistributed: distributed.contains(entry.name))
            for (weight, path) in zip(entry.weights, own) {
                let name = "\(entry.name)/\(weight.name)"
                let place: String?
                if let candidates {
                    place = candidates[name]
                } else {
                    place = stores[entry.name].map { "\($0)/\(path)" }
                }
                guard let place, let dataset = hdf5.datasets[place] else {
                    match.missing.append(
                        (
                            name,
                            stores[entry.name] == nil && candidates == nil
                                ? "the file has no layer \(quoted: entry.name)"
                                : "the file has no data set \(quoted: place ?? name)"
                        ))
                    continue
                }
                guard dataset.shape == weight.shape.dimensions else {
                    match.mismatched.append(
                        (
                            name,
                            "expected the shape \(weight.shape), the file has \(Shape(dataset.shape)) (\(place))"
                        ))
                    continue
                }
                match.found[name] = place
            }
        }
        return match
    }

    /// Reads a weight that `match` has found, or an optimizer's variable.
    package func tensor(at place: String, shape: Shape) throws(KerasFileError) -> Tensor {
        guard let dataset = hdf5.datasets[place], dataset.shape == shape.dimensions else {
            throw KerasFileError(hdf5.name, place, "expected the shape \(shape)")
        }
        requireMemory(shape.count.clampedTimes(MemoryLayout<Float>.stride))
        var values = [Float](repeating: 0, count: shape.count)
        var failure: KerasFileError?
        values.withUnsafeMutableBufferPointer { buffer in
            do throws(KerasFileError) { try hdf5.read(dataset, into: buffer) } catch { failure = error }
        }
        if let failure { throw failure }
        return Tensor(shape: shape, values: values)
    }

    // MARK: Keras 2

    /// The data sets of a graph's weights in a file of Keras 2, which has them by the outermost model's layer, what is trained
    /// first; `nil` for a file of Keras 3.
    private func legacyCandidates(_ graph: Graph) throws(KerasFileError) -> [String: String]? {
        let root: String
        switch format {
        case .keras, .weights: return nil
        case .legacyModel: root = "model_weights"
        case .legacyWeights: root = ""
        }
        let byPath = Dictionary(graph.layers.map { ($0.name, $0) }) { first, _ in first }
        let tree = tree ?? LayerTree(graph)
        var places: [String: String] = [:]
        for node in tree.nodes {
            let group = root.isEmpty ? node.name : "\(root)/\(node.name)"
            guard hdf5.groups.contains(group),
                let names = try hdf5.chunkedStrings(ofAttribute: "weight_names", at: group)
            else { continue }
            var trained: [String] = []
            var others: [String] = []
            func collect(_ node: LayerTree.Node, path: String, isTrained: Bool) {
                let isTrained = isTrained && node.isTrained
                if let children = node.children {
                    for child in children.nodes {
                        collect(child, path: "\(path)/\(child.name)", isTrained: isTrained)
                    }
                    return
                }
                guard let entry = byPath[path] else { return }
                for weight in entry.weights {
                    let name = "\(path)/\(weight.name)"
                    if isTrained, !weight.isState { trained.append(name) } else { others.append(name) }
                }
            }
            collect(node, path: node.name, isTrained: true)
            for (name, weight) in zip(trained + others, names) { places[name] = "\(group)/\(weight)" }
        }
        return places
    }

    // MARK: The optimizer

    /// The optimizer's variables: where its count of updates is, and all others but the learning rate in their order; `nil`
    /// if the file has none.
    package func optimizer(hasLearningRate: Bool) throws(KerasFileError) -> (
        iterations: String, slots: [(place: String, shape: Shape)]
    )? {
        var variables: [(place: String, shape: Shape)] = []
        if format == .legacyModel {
            let group = "optimizer_weights"
            guard hdf5.groups.contains(group) else { return nil }
            let names = try hdf5.chunkedStrings(ofAttribute: "weight_names", at: group) ?? []
            for name in LegacyOptimizer.ordered(names) where !name.contains("learning_rate") {
                guard let dataset = hdf5.datasets["\(group)/\(name)"] else { return nil }
                variables.append((dataset.path, Shape(dataset.shape)))
            }
        } else {
            while let dataset = hdf5.datasets["optimizer/vars/\(variables.count)"] {
                variables.append((dataset.path, Shape(dataset.shape)))
            }
            if hasLearningRate, variables.count > 1 { variables.remove(at: 1) }
        }
        guard let first = variables.first else { return nil }
        return (first.place, Array(variables.dropFirst()))
    }

    /// Reads a whole number, as Keras' `iteration`.
    package func integer(at place: String) throws(KerasFileError) -> Int {
        guard let dataset = hdf5.datasets[place] else { throw KerasFileError(hdf5.name, place, "missing") }
        return try hdf5.integer(dataset)
    }

    /// Copies what the model's layers have in the file beside a graph's weights, such as the state of random numbers.
    func copyOthers(than written: Set<String>, to file: inout HDF5Writer) throws {
        for path in hdf5.datasets.keys.sorted() where path.hasPrefix("layers/") && !written.contains(path) {
            guard let dataset = hdf5.datasets[path] else { continue }
            try hdf5.copy(dataset, to: &file)
        }
    }
}
