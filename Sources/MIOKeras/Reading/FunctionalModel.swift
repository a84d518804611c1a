import MIOBase
import MIOConfig
import MIOGraph

/// Models whose configuration says on what each layer is called.
extension ModelReading {
    mutating func functional(
        _ layers: [KerasLayer], of model: KerasLayer, prefix: String
    ) -> Assembly? {
        let place = model.place(in: prefix)
        let inputs: (structure: KerasStructure, tensors: [KerasCall.Tensor], keys: [String?])
        let outputs: (structure: KerasStructure, tensors: [KerasCall.Tensor], keys: [String?])
        do {
            inputs = try KerasStructure.read(
                model.config["input_layers"] ?? .null, at: ConfigPath("input_layers"))
            outputs = try KerasStructure.read(
                model.config["output_layers"] ?? .null, at: ConfigPath("output_layers"))
        } catch {
            note(place, error.description)
            return nil
        }
        guard Set(layers.map(\.name)).count == layers.count else {
            note(place, "two layers have one name; the file is damaged")
            return nil
        }
        // Masks are operations of their own in files of Keras 3.
        let masks = Self.masks(among: layers)
        let all = Dictionary(layers.map { ($0.name, $0) }) { first, _ in first }
        let read = Set(layers.flatMap { $0.calls.flatMap(\.tensors) } + outputs.tensors)
        let given = layers.map { $0.withoutMasks(masks).withoutScores(unless: read) }
        let numbers = Self.numbers(among: masks, layers: given, outputs: outputs.tensors)
        let kept = given.filter { !masks.contains($0.name) || numbers.contains($0.name) }
        let casts = Self.castsForEmbeddings(among: kept, outputs: outputs.tensors)
        let layers = kept.map { casts.contains($0.name) ? $0.asIdentity() : $0 }
        masked += layers.filter { layer in
            layer.givenMasks.contains { !Self.holdsEverywhere($0, among: all) }
        }.map { (prefix + $0.name, $0.place(in: prefix)) }
        // A dictionary's keys are what the data's arrays are called.
        let keys = Dictionary(zip(inputs.tensors, inputs.keys).map { ($0.layer, $1 ?? $0.layer) }) {
            first, _ in first
        }
        var results = CallResults(layers)
        for layer in layers {
            if layer.className == "InputLayer" {
                let key = keys[layer.name] ?? layer.name
                guard let made = input(layer, prefix: prefix, key: key) else { continue }
                let tensor: SymbolicTensor = made([])
                results.set(
                    [prefix.isEmpty && key != layer.name ? tensor.named(key) : tensor],
                    try? made.results(for: []), layer: layer.name, call: 0)
                continue
            }
            switch callee(layer, prefix: prefix) {
            case .layer(let made, let known): results.set(callee: .layer(made, known), of: layer.name)
            case .operation(let operation):
                results.set(callee: .operation(operation), of: layer.name)
            case .deferred(let layer): results.set(callee: .deferred(layer), of: layer.name)
            case .none: break
            }
        }
        // An operation may be one that mio lacks, whatever its tensors are.
        for layer in layers where layer.isOperation || LegacyOperation.classNames.contains(layer.className) {
            for problem in OperationReading.problems(of: layer) { note(layer.place(in: prefix), problem) }
        }
        guard problems.isEmpty else { return nil }
        guard callAll(layers, &results, prefix: prefix, place: place) else { return nil }
        var inputTensors: [SymbolicTensor] = []
        var outputTensors: [(String?, SymbolicTensor)] = []
        for tensor in inputs.tensors {
            guard let found = results.tensor(tensor, isOutput: true, isLegacy: results.isLegacy) else {
                continue
            }
            inputTensors.append(found)
        }
        for (tensor, key) in zip(outputs.tensors, outputs.keys) {
            guard let found = results.tensor(tensor, isOutput: true, isLegacy: results.isLegacy) else {
                continue
            }
            outputTensors.append((key, found))
        }
        guard inputTensors.count == inputs.tensors.count, outputTensors.count == outputs.tensors.count else {
            note(place, "its inputs or outputs name tensors that are not there; the file is damaged")
            return nil
        }
        return assemble(
            inputs: inputTensors, outputs: outputTensors, inputs.structure, outputs.structure, place: place)
    }

    /// Makes the calls, each when its tensors are there.
    private mutating func callAll(
        _ layers: [KerasLayer], _ results: inout CallResults, prefix: String, place: String
    ) -> Bool {
        var pending = layers.filter { $0.className != "InputLayer" }.map { (layer: $0, next: 0) }
        while !pending.isEmpty {
            var isMoving = false
            for index in pending.indices {
                let layer = pending[index].layer
                while pending[index].next < layer.calls.count {
                    let call = layer.calls[pending[index].next]
                    var tensors: [KerasCall.Tensor: SymbolicTensor] = [:]
                    for tensor in call.tensors {
                        tensors[tensor] = results.tensor(tensor, isOutput: false, isLegacy: call.isLegacy)
                    }
                    guard tensors.count == Set(call.tensors).count else { break }
                    guard
                        make(call, of: layer, number: pending[index].next, tensors, &results, prefix: prefix)
                    else {
                        return false
                    }
                    pending[index].next += 1
                    isMoving = true
                }
            }
            pending.removeAll { $0.next >= $0.layer.calls.count }
            if !isMoving, !pending.isEmpty {
                note(
                    place,
                    "the calls of \(listed(pending.map { "\(quoted: $0.layer.name)" }, most: 6)) take tensors that are not there; the file is damaged"
                )
                return false
            }
        }
        return true
    }

    private static let recurrentClasses: Set<String> = ["LSTM", "GRU", "SimpleRNN", "Bidirectional"]

    private mutating func make(
        _ call: KerasCall, of layer: KerasLayer, number: Int, _ tensors: [KerasCall.Tensor: SymbolicTensor],
        _ results: inout CallResults, prefix: String
    ) -> Bool {
        if case .deferred? = results.callee(of: layer.name) {
            let specs = call.tensors.map { source -> TensorSpec? in
                if let known = results.spec(source, isLegacy: call.isLegacy) { return known }
                let axes = call.specs[source]?.shape.dropFirst().compactMap(\.self)
                return axes.flatMap {
                    $0.count + 1 == call.specs[source]?.shape.count ? TensorSpec(Shape($0)) : nil
                }
            }
            guard let made = deferred(layer, specs: specs, prefix: prefix) else { return false }
            results.set(callee: .layer(made.layer, made.results), of: layer.name)
        }
        switch results.callee(of: layer.name) {
        case .layer(let made, let known)?:
            let place = layer.place(in: prefix)
            let ordered: (sources: [KerasCall.Tensor], isInference: Bool)
            do throws(CallProblem) {
                ordered = try CallReading.sources(of: call, className: layer.className)
            } catch {
                note(place, error.message)
                return false
            }
            var inputs = ordered.sources.compactMap { tensors[$0] }
            var specs = ordered.sources.compactMap { results.spec($0, isLegacy: call.isLegacy) }
            if known == nil, specs.count == inputs.count,
                let real = IntegerCasts.realSpecs(specs, results: { try made.results(for: $0) })
            {
                inputs = inputs.enumerated().map { index, input in
                    specs[index] == real[index]
                        ? input : IntegerCasts.real(input, of: layer.name, call: number, argument: index)
                }
                specs = real
            }
            let tensors = ordered.isInference ? made.inInference(inputs) : made.all(inputs)
            // Keras 3 hands a call the mask of a sequence only where the sequence is all that it is given.
            if !call.isLegacy, !call.hadMask, inputs.count > 1,
                Self.recurrentClasses.contains(layer.className)
            {
                tensors.first?.setMasks(.unread)
            }
            results.set(
                tensors,
                known ?? (specs.count == inputs.count ? try? made.results(for: specs) : nil),
                layer: layer.name, call: number)
            return true
        case .operation(let operation)?:
            do throws(CallProblem) {
                let specs = call.tensors.compactMap { tensor in
                    results.spec(tensor, isLegacy: call.isLegacy).map { (tensor, $0) }
                }
                let made = try OperationReading.call(
                    operation, call, number: number, tensors,
                    specs: Dictionary(specs) { first, _ in first }, isOnEachStep: steps != nil)
                results.set(made.tensors, made.specs, layer: layer.name, call: number)
                return true
            } catch {
                note(layer.place(in: prefix), error.message)
                return false
            }
        case .deferred?, .none?, nil: return false
        }
    }
}
