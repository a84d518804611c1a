import MIOBase
import MIOConfig
import MIOGraph

/// Products of matrices.
extension OperationReading.Reading {
    /// a (…, m, k) · b (…, k, n), each turned around before if the call says so.
    func product() throws(CallProblem) -> SymbolicTensor {
        let arguments = call.arguments + call.named.map(\.value)
        guard arguments.count == 2 else { throw CallProblem("expected two tensors") }
        if let place = arguments.firstIndex(where: \.isConstant) {
            throw CallProblem(
                "multiplies by a constant matrix, which mio does not do. Build it as a layer: Dense(units, use_bias=False, "
                    + "trainable=False), whose kernel set_weights sets to the constant"
                    + (place == 0 ? ", turned around, between two layers Permute" : ""))
        }
        return MatrixMultiplication(name: name)([
            try operand(arguments[0], "a"), try operand(arguments[1], "b"),
        ])
    }

    /// A matrix of the product.
    /// - Parameter letter: as TensorFlow's arguments end: `transpose_a`, `adjoint_a`.
    private func operand(_ argument: KerasCall.Argument, _ letter: String) throws(CallProblem)
        -> SymbolicTensor
    {
        guard case .tensor(let source) = argument, let tensor = tensors[source] else {
            throw CallProblem("expected a tensor as \(letter)")
        }
        // Of real numbers the adjoint is the transpose.
        let isTurned = ["transpose_\(letter)", "adjoint_\(letter)"].contains { self.argument($0) == true }
        guard isTurned else { return tensor }
        guard let rank = batchShape(of: source)?.count else {
            throw CallProblem("the file does not say how many axes its tensor \(letter) has")
        }
        guard rank >= 3 else {
            throw CallProblem("multiplies samples by one another; mio keeps samples apart")
        }
        // Of the axes of a sample, which Permute counts from 1, the last two change places.
        let axes = Array(1..<rank - 2) + [rank - 1, rank - 2]
        return try layer(
            "Permute", ["dims": ConfigValue(axes)], [tensor], name: "\(name)_transposed_\(letter)")
    }
}
