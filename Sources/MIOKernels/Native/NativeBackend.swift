import COneDNN
import COpenBLAS
import MIOBase
import MIOGraph
import MIOPlan

/// Runs layers on oneDNN, OpenBLAS and loops of our own; what none of them has, on its plain implementation.
package struct NativeBackend: KernelBackend {
    /// Threads a library may use for one operation.
    package let threads: Int
    package var precision: Precision
    /// What was measured; where nothing was, the first way that makes sense is taken.
    package var tuning: Tuning
    let engine: OneDNNEngine

    /// Makes the libraries use `threads` threads: OpenBLAS everywhere in the process, oneDNN on this thread and each that
    /// is prepared.
    /// - Throws: `KernelError` if oneDNN does not start.
    package init(threads: Int = 1, precision: Precision = .float32, tuning: Tuning = Tuning()) throws {
        precondition(threads >= 1 && threads <= 1 << 16, "a backend has at least one thread")
        self.threads = threads
        self.precision = precision
        self.tuning = tuning
        engine = try OneDNNEngine()
        openblas_set_num_threads(Int32(threads))
        prepareThread()
    }

    package var name: String { "native" }
    package var measuredOn: String? { machine }

    package func tuned(by tuning: Tuning) -> any KernelBackend {
        var copy = self
        copy.tuning = tuning
        return copy
    }

    package func computing(in precision: Precision) -> any KernelBackend {
        var copy = self
        copy.precision = precision
        return copy
    }

    package func fuses(_ activation: Activation) -> Bool { activation.isFused }

    /// OpenMP keeps the number of its threads for each thread that asks.
    package func prepareThread() { mio_set_openmp_threads(Int32(threads)) }

    /// The numbers that a convolution may multiply in: float32 too where its segment is computed as float32's plan has it.
    func precision(of convolution: ImageConvolution) -> Precision {
        tuning.segment(ofLayer: convolution.name) == .float32 ? .float32 : precision
    }

    /// The way each pass of a convolution takes, for passes of at most so many samples.
    func picks(_ request: Convolution.Request, samples: Int) -> (ConvolutionPass) -> ConvolutionCandidate {
        let precision = precision(of: request.convolution)
        let key = request.key(engine, samples: samples, threads: threads, precision: precision)
        let usual = request.candidates(engine, threads: threads, precision: precision)[0]
        let tuning = tuning
        return { tuning.pick(key, $0) ?? usual }
    }

    /// Candidate layouts of a convolution's output, best first.
    func outputLayouts(_ convolution: ImageConvolution, inputLayout: Layout) -> [Layout] {
        let layouts = Convolution.outputLayouts(convolution, inputLayout: inputLayout, engine)
        let isChannelsLast = tuning.segment(ofLayer: convolution.name) == .channelsLast
        return isChannelsLast ? [.canonical] : layouts
    }

    /// In which numbers each pass of a Dense multiplies: in bfloat16 only where that was measured to be faster, and oneDNN
    /// has code for it.
    func picks(_ products: DenseProducts) -> (ConvolutionPass) -> ProductCandidate {
        guard products.candidates(engine, precision).count > 1 else { return { _ in .float32 } }
        let key = products.key(threads: threads)
        let (tuning, engine) = (tuning, engine)
        return { pass in
            guard tuning.product(key, pass) == .bfloat16, products.scratchElements([pass], engine) != nil
            else { return .float32 }
            return .bfloat16
        }
    }
}
