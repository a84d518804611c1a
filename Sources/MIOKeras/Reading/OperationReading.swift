import MIOBase
import MIOConfig
import MIOGraph

/// Turns operations on tensors (`keras.ops`, and Python's operators on Keras' tensors) into layers.
enum OperationReading {
    /// Everything in an operation that mio cannot do, whatever its tensors are.
    static func problems(of operation: KerasLayer) -> [String] {
        ["is an operation on tensors that mio does not have yet"]
    }

    static func call(
        _ operation: KerasLayer, _ call: KerasCall, number: Int, _ tensors: [KerasCall.Tensor: SymbolicTensor]
    ) throws(CallProblem) -> [SymbolicTensor] {
        throw CallProblem("is an operation on tensors that mio does not have yet")
    }
}

/// Operations on tensors as Keras 2 writes them.
enum LegacyOperation {
    static let classNames: Set<String> = ["TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer"]
}
