import MIOBase
import MIOConfig
import MIOGraph

extension ModelReading {
    /// What can be called: a layer, a model, or an operation on tensors.
    enum Callee {
        /// With what it gives, if it is a model.
        case layer(any Layer, [TensorSpec]?)
        case operation(KerasLayer)
        /// A model that is made when its first call tells the shapes and types: one that leaves axes of its inputs open, that
        /// may take integers, or that a `TimeDistributed` calls on each step.
        case deferred(KerasLayer)
        /// It could not be made; the problem is noted.
        case none
    }

    /// What the calls of a model have given so far.
    struct CallResults {
        private var callees: [String: Callee] = [:]
        private var results: [String: [Int: [SymbolicTensor]]] = [:]
        /// Of those results, where every layer before has told its own.
        private var specs: [String: [Int: [TensorSpec]]] = [:]
        private let nested: [String: KerasLayer]
        /// Nested models whose calls Keras 2 counts from 1.
        private let countedFromOne: Set<String>
        let isLegacy: Bool

        init(_ layers: [KerasLayer]) {
            nested = Dictionary(layers.filter(\.isModel).map { ($0.name, $0) }) { first, _ in first }
            isLegacy = layers.contains { $0.calls.contains(where: \.isLegacy) }
            var lowest: [String: Int] = [:]
            for layer in layers {
                for tensor in layer.calls.filter(\.isLegacy).flatMap(\.tensors) {
                    lowest[tensor.layer] = min(lowest[tensor.layer] ?? .max, tensor.call)
                }
            }
            countedFromOne = Set(lowest.filter { $0.value > 0 }.keys)
        }

        func callee(of layer: String) -> Callee? { callees[layer] }
        mutating func set(callee: Callee, of layer: String) { callees[layer] = callee }
        mutating func set(
            _ tensors: [SymbolicTensor], _ known: [TensorSpec]? = nil, layer: String, call: Int
        ) {
            results[layer, default: [:]][call] = tensors
            specs[layer, default: [:]][call] = known
        }

        /// - Parameter isOutput: whether it is among `input_layers` or `output_layers`, where Keras counts the calls of a
        ///   nested Functional from 1.
        private func call(of tensor: KerasCall.Tensor, isOutput: Bool, isLegacy: Bool) -> Int {
            var call = tensor.call
            if let model = nested[tensor.layer] {
                if isOutput, !isLegacy, model.className != "Sequential" { call -= 1 }
                // A model that is an output and nothing else is in no call's list.
                if isLegacy,
                    isOutput
                        ? call > 0 && call >= model.calls.count || countedFromOne.contains(tensor.layer)
                        : countedFromOne.contains(tensor.layer)
                {
                    call -= 1
                }
            }
            return call
        }

        func tensor(_ tensor: KerasCall.Tensor, isOutput: Bool, isLegacy: Bool) -> SymbolicTensor? {
            let call = call(of: tensor, isOutput: isOutput, isLegacy: isLegacy)
            guard let tensors = results[tensor.layer]?[call], tensors.indices.contains(tensor.result) else {
                return nil
            }
            return tensors[tensor.result]
        }

        /// The shape and type of what a call takes; `nil` where they are not known.
        func spec(_ tensor: KerasCall.Tensor, isLegacy: Bool) -> TensorSpec? {
            let call = call(of: tensor, isOutput: false, isLegacy: isLegacy)
            guard let known = specs[tensor.layer]?[call], known.indices.contains(tensor.result) else {
                return nil
            }
            return known[tensor.result]
        }
    }
}

/// Why a call cannot be made.
struct CallProblem: Error {
    let message: String
    init(_ message: String) { self.message = message }
}
