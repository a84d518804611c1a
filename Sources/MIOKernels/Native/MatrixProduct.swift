import COneDNN
import COpenBLAS
import MIOPlan

/// Large matrix products, by whichever library knows the processor.
///
/// C (m, n) ← A (m, k) · B (k, n), or += it, in row-major order, each of A and B as it is or transposed. OpenBLAS picks
/// its kernels by the processor's model, and those of the oldest machines for a model that is newer than itself:
/// 31 GFLOP/s on one core of a Xeon of 2023 where its own AVX-512 kernels reach 145. oneDNN asks what instructions the
/// processor has. So OpenBLAS multiplies where its kernels are up to the processor, else oneDNN.
public enum MatrixProduct: String, Sendable {
    case openBLAS = "openblas"
    case oneDNN = "onednn sgemm"

    /// The widest vector instructions of a processor.
    public enum Instructions: Comparable, Sendable {
        case older, avx2, avx512

        /// This processor's.
        public static var here: Instructions {
            let isa = dnnl_get_effective_cpu_isa().rawValue
            func has(_ wanted: dnnl_cpu_isa_t) -> Bool { isa & wanted.rawValue == wanted.rawValue }
            return has(dnnl_cpu_isa_avx512_core) ? .avx512 : has(dnnl_cpu_isa_avx2) ? .avx2 : .older
        }
    }

    /// What this processor's products are computed by: the same on equal machines.
    public static let best: MatrixProduct = {
        let core = openblas_get_corename().map { String(cString: $0) } ?? ""
        return best(openBLASCore: core, instructions: .here)
    }()

    /// - Parameter core: OpenBLAS' name of the kernels it picked.
    public static func best(openBLASCore core: String, instructions: Instructions) -> MatrixProduct {
        let known: Instructions =
            switch core {
            // Zen's kernels are for AVX2; the processors of that family with AVX-512 have no wider units.
            case "SkylakeX", "Cooperlake", "SapphireRapids", "Zen": .avx512
            case "Haswell": .avx2
            default: .older
            }
        return known >= instructions ? .openBLAS : .oneDNN
    }

    /// A matrix where it lies.
    public struct Factor {
        let pointer: UnsafePointer<Float>
        /// Elements from one row to the next, as it lies.
        let stride: Int
        let transposed: Bool

        public init(pointer: UnsafePointer<Float>, stride: Int, transposed: Bool = false) {
            self.pointer = pointer
            self.stride = stride
            self.transposed = transposed
        }
    }

    /// - Precondition: every extent fits 32 bits.
    public func callAsFunction(
        _ m: Int, _ n: Int, _ k: Int, _ a: Factor, _ b: Factor, adds: Bool,
        into c: UnsafeMutablePointer<Float>, stride: Int
    ) {
        switch self {
        case .openBLAS:
            cblas_sgemm(
                CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans,
                b.transposed ? CblasTrans : CblasNoTrans, Int32(m), Int32(n), Int32(k), 1, a.pointer,
                Int32(a.stride), b.pointer, Int32(b.stride), adds ? 1 : 0, c, Int32(stride))
        case .oneDNN:
            let (asItIs, transposed) = (CChar(UInt8(ascii: "N")), CChar(UInt8(ascii: "T")))
            let status = dnnl_sgemm(
                a.transposed ? transposed : asItIs, b.transposed ? transposed : asItIs, Int64(m),
                Int64(n), Int64(k), 1, a.pointer, Int64(a.stride), b.pointer, Int64(b.stride), adds ? 1 : 0,
                c, Int64(stride))
            // It refuses nothing but wrong arguments.
            precondition(status == dnnl_success, "oneDNN's product failed with status \(status.rawValue)")
        }
    }
}
