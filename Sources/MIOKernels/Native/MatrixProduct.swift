import COneDNN
import COpenBLAS
import MIOPlan

/// Matrix products that are more than a few rows and columns.
///
/// C (m, n) ← A (m, k) · B (k, n), or += it, in row-major order, each of A and B as it is or transposed. On x86-64 oneDNN
/// multiplies: it asks what instructions the processor has, and with AVX-512, AVX2 and SSE4.1 each it was 2 % slower to
/// 60 % faster than OpenBLAS at a Dense's three products, of 128 × 128 to 1024 × 1024 weights and 8 to 256 samples. (On an
/// EPYC too, but where the rows of B are a power of two long: hence the gaps of `DenseStorage`.)
/// (OpenBLAS picks kernels by the processor's model, and the oldest for one that is newer than itself: 31 GFLOP/s on a core
/// of a Xeon of 2023, where oneDNN reaches 165.) Elsewhere oneDNN has no more than plain loops.
package enum MatrixProduct: String, Sendable {
    case openBLAS = "openblas"
    case oneDNN = "onednn sgemm"

    /// What this processor's products are computed by: the same on equal machines.
    package static let best: MatrixProduct = {
        #if arch(x86_64)
            let isa = dnnl_get_effective_cpu_isa().rawValue
            return isa & dnnl_cpu_isa_sse41.rawValue == dnnl_cpu_isa_sse41.rawValue ? .oneDNN : .openBLAS
        #else
            return .openBLAS
        #endif
    }()

    /// A matrix where it lies.
    package struct Factor {
        let pointer: UnsafePointer<Float>
        /// Elements from one row to the next, as it lies.
        let stride: Int
        let transposed: Bool

        package init(pointer: UnsafePointer<Float>, stride: Int, transposed: Bool = false) {
            self.pointer = pointer
            self.stride = stride
            self.transposed = transposed
        }
    }

    /// - Precondition: every extent fits 32 bits.
    package func callAsFunction(
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
