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
