import MIOBase
import MIOFormats
import MIOTraining

/// A model's weights, whole, wherever they are from: tensors are read one by one.
package struct TrainedWeights {
    /// Of the file.
    package let path: String
    /// The step after which they were written; `nil` where the file does not say.
    package let step: Int?
    private let read: (String) throws -> Tensor

    /// Those of a safetensors file that was checked against the model.
    init(_ file: SafetensorsFile) {
        path = file.path
        step = file.metadata["step"].flatMap { Int($0) }
        read = { try file.tensor(named: $0) }
    }

    /// Those of other files, in memory.
    /// - Parameter tensors: every weight of the model.
    init(_ path: String, _ tensors: [String: Tensor]) {
        self.path = path
        step = nil
        read = { name in
            guard let tensor = tensors[name] else {
                throw FormatError(
                    file: path, tensor: name, expected: "a tensor of this name", received: "none")
            }
            return tensor
        }
    }

    /// A weight by its name.
    package func tensor(named name: String) throws -> Tensor { try read(name) }
}

extension Replica {
    /// - Precondition: the weights are of this model.
    func load(_ weights: TrainedWeights) throws {
        for parameter in plan.weights {
            executor.setCanonical(try weights.tensor(named: parameter.name), parameter, in: executor.weights)
        }
    }
}
