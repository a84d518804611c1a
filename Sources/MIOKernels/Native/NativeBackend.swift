import CDenseLoops
import COneDNN
import COpenBLAS
import MIOGraph
import MIOPlan
import MIOTensor

/// Runs layers on oneDNN, OpenBLAS and vectorized loops; those it has nothing for on their plain
/// implementation.
///
/// `@unchecked Sendable`: it holds oneDNN's engine and stream, which only the thread that steps uses, as it
/// does the kernels made of them; passing the value on before the first step is safe.
public struct NativeBackend: KernelBackend, @unchecked Sendable {
    public let threads: Int
    private let library: OneDNN

    public var name: String { "native" }

    /// - Parameter threads: for OpenBLAS and oneDNN.
    /// - Throws: `KernelError`
    public init(threads: Int) throws {
        self.threads = threads
        openblas_set_num_threads(Int32(threads))
        mio_set_threads(Int32(threads))
        library = try OneDNN()
    }

    public func choose(_ request: KernelRequest) -> KernelChoice {
        switch request.layer {
        case let conv as Conv2D: ConvolutionKernel.choose(conv, request, library)
        case let dense as Dense: DenseKernel.choose(dense, request)
        case let dense as SegmentedDense: DenseKernel.choose(dense.dense, request)
        case let pooling as MaxPooling2D: PoolingKernel.choose(pooling, request)
        case is ActivationLayer, is Add: ElementwiseKernel.choose(request)
        default: .reference(request)
        }
    }

    public func makeKernel(_ description: KernelDescription) throws -> any Kernel {
        switch description.layer {
        case let conv as Conv2D: try ConvolutionKernel(conv, description, library)
        case let dense as Dense: DenseKernel(dense, description)
        case let dense as SegmentedDense: DenseKernel(dense.dense, description)
        case let pooling as MaxPooling2D: try PoolingKernel(pooling, description)
        case is ActivationLayer, is Add: ElementwiseKernel(description)
        default: ReferenceKernel(description)
        }
    }
}

extension Layout {
    /// Channels next to each other; `nil` if canonical.
    var block: Int? {
        switch self {
        case .canonical: nil
        case .channelBlocked(let block), .flattenedBlocked(_, let block): block
        }
    }
}

extension Activation {
    /// As the C loops number them.
    var cValue: mio_activation {
        switch self {
        case .linear: mio_activation_linear
        case .relu: mio_activation_relu
        case .sigmoid: mio_activation_sigmoid
        case .softmax: mio_activation_softmax
        case .tanh: mio_activation_tanh
        }
    }
}
