import COneDNN
import MIOBase

/// C (m, n) ← A (m, k) · B (k, n), or += it, with factors rounded to bfloat16 and sums of 32 bits, by oneDNN.
///
/// A and B are matrices of 32-bit floats; each is rounded into the scratch first, B in the order that oneDNN likes best.
struct RoundedProduct {
    private let product: PrimitiveDescriptor
    private let (a, b, c): (MemoryDescriptor, MemoryDescriptor, MemoryDescriptor)
    private let (roundedA, roundedB): (MemoryDescriptor, MemoryDescriptor)
    private let name: String

    /// How a matrix lies: elements from one row to the next, as it lies, and whether it is read transposed.
    struct Order: Hashable {
        let stride: Int
        var isTransposed = false

        fileprivate var strides: [Int] { isTransposed ? [1, stride] : [stride, 1] }
    }

    /// `nil` if oneDNN has nothing beyond plain loops.
    /// - Throws: `KernelError` if oneDNN has no such matrices.
    init?(
        _ name: String, _ m: Int, _ n: Int, _ k: Int, a: Order, b: Order, c: Order, adds: Bool,
        _ engine: OneDNNEngine
    ) throws(KernelError) {
        self.name = name
        self.a = try MemoryDescriptor([m, k], strides: a.strides, name)
        self.b = try MemoryDescriptor([k, n], strides: b.strides, name)
        self.c = try MemoryDescriptor([m, n], strides: c.strides, name)
        let wantedA = try MemoryDescriptor([m, k], dnnl_ab, name, dnnl_bf16)
        let wantedB = try MemoryDescriptor([k, n], dnnl_format_tag_any, name, dnnl_bf16)
        guard let product = PrimitiveDescriptor(product: wantedA, wantedB, self.c, adds: adds, engine),
            !product.implementation.hasPrefix("ref")
        else { return nil }
        self.product = product
        roundedA = wantedA
        roundedB = product.memory(dnnl_query_weights_md)
    }

    var implementation: String { product.implementation }

    /// 32-bit elements.
    var scratchElements: Int {
        roundedA.elements + roundedB.elements + product.scratch.elements
    }

    /// The code, in the order to run it.
    /// - Throws: `KernelError`
    func steps(
        a: UnsafePointer<Float>, b: UnsafePointer<Float>, c: UnsafeMutablePointer<Float>,
        scratch: UnsafeMutablePointer<Float>, _ engine: OneDNNEngine
    ) throws(KernelError) -> [Execution] {
        let placeB = scratch + roundedA.elements
        return [
            try .reorder(name, engine, a, self.a, scratch, roundedA),
            try .reorder(name, engine, b, self.b, placeB, roundedB),
            try Execution(
                name, product, engine,
                [
                    .init(index: DNNL_ARG_SRC, memory: roundedA, pointer: scratch),
                    .init(index: DNNL_ARG_WEIGHTS, memory: roundedB, pointer: placeB),
                    .init(index: DNNL_ARG_DST, memory: self.c, pointer: c),
                    .init(
                        index: DNNL_ARG_SCRATCHPAD, memory: product.scratch,
                        pointer: placeB + roundedB.elements),
                ]),
        ]
    }
}
