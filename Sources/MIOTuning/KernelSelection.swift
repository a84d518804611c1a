import MIOBase
import MIOKernels
import MIOPlan

/// Which kernels a run computes with.
package enum KernelSelection: String, CaseIterable, Sendable {
    case native
    /// The plain implementations: slow, the oracle.
    case reference

    package func makeBackend(threads: Int) throws -> any KernelBackend {
        switch self {
        case .native: try NativeBackend(threads: threads)
        case .reference: ReferenceBackend()
        }
    }
}

extension KernelBackend {
    /// The same, allowed to multiply in such numbers where it can.
    package func computing(in precision: Precision) -> any KernelBackend {
        guard var native = self as? NativeBackend else { return self }
        native.precision = precision
        return native
    }
}
