import Foundation
import MIOBase
import MIOFiles
import MIOFormats
import MIOGraph
import MIOJob
import MIOKeras
import MIOOptimizers
import MIORecords

/// What a new run starts with from files: weights, and perhaps an optimizer's variables.
package struct StartingValues {
    /// By name; weights that are not here are drawn.
    package private(set) var weights: [String: Tensor] = [:]
    /// By slot and weight: `m/conv1/kernel`.
    package private(set) var slots: [String: Tensor] = [:]
    /// The optimizer's count of updates.
    package private(set) var updates = 0
    /// Whether `slots` and `updates` are those of a file.
    package private(set) var hasOptimizer = false
    /// For the user, in order.
    package private(set) var warnings: [String] = []
    /// The file of each of `weights` and `slots`, by name.
    private var files: [String: String] = [:]

    /// Reads the files of a job.
    /// - Throws: `RunError`, `FormatError`, `KerasFileError`, `FileError`, `CheckpointError`.
    package init(_ job: Job) throws { try self.init(job, from: job.weights) }

    /// Reads other files for a job.
    init(_ job: Job, from files: [StartingWeights]) throws {
        for start in files {
            if Folder.isFolder(start.file) {
                try read(Self.file(inFolder: start.file), start, job)
            } else if Folder.isMissing(start.file) {
                throw RunError(
                    "\(start.file.shown(most: 300)): no such file or folder; it is where weights start from",
                    exitCode: .missingInput)
            } else if start.file.hasSuffix(".safetensors") {
                try read(SafetensorsFile(start.file), start, job)
            } else {
                try read(keras: start, job)
            }
        }
    }

    /// The finished model of a run's folder, or its newest checkpoint; or a checkpoint's own.
    private static func file(inFolder folder: String) throws -> SafetensorsFile {
        let finished = Folder.join(folder, RunDirectory.weightsName)
        if !Folder.isMissing(finished) { return try SafetensorsFile(finished) }
        if Folder.mayBeFolder(RunDirectory.checkpointsPath(in: folder)) {
            let store = CheckpointStore(folder: RunDirectory.checkpointsPath(in: folder), keep: 1)
            if let found = try store.newestValid() { return found.checkpoint.weights }
        }
        return try StoredCheckpoint(path: folder).weights
    }

    /// Refuses values from which no training gets finite ones.
    /// - Throws: `RunError` with exit code 65.
    package func verifyFinite() throws(RunError) {
        for (values, kind) in [(weights, "weight"), (slots, "the optimizer's")] {
            for (name, tensor) in values.sorted(by: { $0.key < $1.key }) {
                let count = tensor.values.count { !$0.isFinite }
                guard count > 0 else { continue }
                throw RunError(
                    "\((files[name] ?? "weights").shown(most: 300)): \(kind) \(quoted: name): "
                        + "\(count) of \(counted(tensor.values.count, "value is", plural: "values are")) NaN or infinite: "
                        + "the training that wrote it has diverged; take a file from before that",
                    exitCode: .badInput)
            }
        }
    }

    // MARK: What is wanted

    private func wanted(_ start: StartingWeights, _ job: Job) throws(RunError) -> (String) -> Bool {
        if start.layers.isEmpty { return { _ in true } }
        let paths = job.graph.layers.map(\.name)
        for pattern in start.layers where !paths.contains(where: { Self.matches($0, pattern) }) {
            let near = nearestName(to: pattern, in: paths).map { "; did you mean \(quoted: $0)?" } ?? "."
            throw RunError(
                "weights.layers: no layer matches \(quoted: pattern)\(near) Layers: \(listed(paths))",
                exitCode: .badInput)
        }
        return { path in start.layers.contains { Self.matches(path, $0) } }
    }

    /// A pattern names a layer, or a nested model with all that is in it.
    private static func matches(_ path: String, _ pattern: String) -> Bool {
        Glob.matches(path, pattern) || Glob.matches(path, pattern + "/*")
    }

    /// - Parameter isWanted: whether a layer of this path is read.
    /// - Throws: `RunError` if something is left out that may not be.
    private mutating func report(
        _ start: StartingWeights, missing: [(name: String, reason: String)],
        mismatched: [(name: String, reason: String)], of graph: Graph, isWanted: (String) -> Bool
    ) throws(RunError) {
        let all = missing + mismatched
        guard !all.isEmpty else { return }
        let text =
            "\(start.file.shown(most: 300)): \(counted(all.count, "weight")) of the model cannot be read from it: "
            + listed(all.map { "\(quoted: $0.name) (\($0.reason))" }, most: 6, longest: 400)
        guard start.skipMismatch else {
            throw RunError(
                text + ". " + Self.advice(lacking: all.map(\.name), of: graph, isWanted: isWanted),
                exitCode: .badInput)
        }
        warnings.append(text + "; they keep their first values")
    }

    /// How a job takes what the file has. A layer is named only if the file has all of its weights.
    private static func advice(lacking names: [String], of graph: Graph, isWanted: (String) -> Bool) -> String
    {
        let names = Set(names)
        var whole: [String: Bool] = [:]
        var order: [String] = []
        for weight in graph.weights {
            let layer = graph.layers[weight.layer].name
            guard isWanted(layer) else { continue }
            if whole[layer] == nil { order.append(layer) }
            whole[layer] = whole[layer] != false && !names.contains(weight.name)
        }
        let present = order.filter { whole[$0] == true }
        guard !present.isEmpty else { return "The file has no layer of the model; name another file" }
        return "Read only the layers that the file has (weights: {file: …, layers: "
            + "[\(listed(present.map { "\(quoted: $0)" }, most: 6, longest: 400))]}), or let the others keep their first "
            + "values (skip_mismatch: true)"
    }

    // MARK: Formats

    private mutating func read(_ file: SafetensorsFile, _ start: StartingWeights, _ job: Job) throws {
        let isWanted = try wanted(start, job)
        var missing: [(name: String, reason: String)] = []
        var mismatched: [(name: String, reason: String)] = []
        let names = Set(file.names)
        for parameter in job.graph.weights where isWanted(job.graph.layers[parameter.layer].name) {
            guard names.contains(parameter.name) else {
                missing.append((parameter.name, "the file has no tensor of this name"))
                continue
            }
            let shape = try file.entry(named: parameter.name).shape
            guard shape == parameter.shape else {
                mismatched.append(
                    (parameter.name, "expected the shape \(parameter.shape), the file has \(shape)"))
                continue
            }
            weights[parameter.name] = try file.tensor(named: parameter.name)
            files[parameter.name] = file.path
        }
        try report(start, missing: missing, mismatched: mismatched, of: job.graph, isWanted: isWanted)
    }

    private mutating func read(keras start: StartingWeights, _ job: Job) throws {
        let graph = job.graph
        let elements = graph.weights.reduce(0) { $0.clampedPlus($1.shape.count) }
        let file = try KerasWeights(start.file, for: graph, atMost: elements.clampedTimes(6))
        let isWanted = try wanted(start, job)
        let match = try file.match(graph, isWanted: isWanted)
        try report(
            start, missing: match.missing, mismatched: match.mismatched, of: graph, isWanted: isWanted)
        for parameter in graph.weights {
            guard let place = match.found[parameter.name] else { continue }
            weights[parameter.name] = try file.tensor(at: place, shape: parameter.shape)
            files[parameter.name] = start.file
        }
        if start.optimizerState { try readOptimizer(file, start, job) }
    }

    /// The optimizer's variables, which Keras numbers by the weights that were trained when it made them.
    private mutating func readOptimizer(_ file: KerasWeights, _ start: StartingWeights, _ job: Job) throws {
        let optimizer = job.optimizer
        guard let found = try file.optimizer(hasLearningRate: optimizer.options.learningRate is Constant),
            // A model that was compiled, and never trained.
            !found.slots.isEmpty || optimizer.slotNames.isEmpty
        else { return }
        // The job may freeze more than the file did.
        let trained = job.model.graph.weights.filter(\.trainable)
        var names: [(slot: String, weight: Graph.Weight)] = []
        for group in optimizer.kerasStateVariables {
            for parameter in trained { names += group.map { ($0, parameter) } }
        }
        // mio computes the numbers that are of no weight from the count of updates.
        let numbers = optimizer.kerasNumbers(updates: 0).count
        let other = zip(names, found.slots).first { $0.weight.shape != $1.shape }
        guard names.count + numbers == found.slots.count, other == nil,
            found.slots.dropFirst(names.count).allSatisfy({ $0.shape.rank == 0 })
        else {
            let what =
                if names.count + numbers == found.slots.count, let (name, variable) = other {
                    "has a variable of shape \(variable.shape) where \(name.slot) of \(name.weight.name) was expected, of shape "
                        + "\(name.weight.shape)"
                } else {
                    "has \(counted(found.slots.count, "variable")), expected \(names.count + numbers), of the shapes of what is trained"
                }
            warnings.append(
                "\(start.file.shown(most: 300)): its optimizer \(what); the optimizer begins anew")
            return
        }
        updates = try file.integer(at: found.iterations)
        guard updates >= 0 else {
            throw KerasFileError(
                start.file, found.iterations, "expected a count of updates, found \(updates)")
        }
        hasOptimizer = true
        for (name, variable) in zip(names, found.slots) {
            let slot = "\(name.slot)/\(name.weight.name)"
            slots[slot] = try file.tensor(at: variable.place, shape: variable.shape)
            files[slot] = start.file
        }
    }
}
