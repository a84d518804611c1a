import COneDNN
import MIOGraph

/// The tensors of a pass of a convolution or their gradients, and its window.
struct ConvolutionTensors {
    var source: MemoryDescriptor
    var weights: MemoryDescriptor
    var bias: MemoryDescriptor?
    var destination: MemoryDescriptor
    let geometry: WindowGeometry

    /// - Parameter body: what is done with them as C has them; it must not keep them.
    fileprivate func withC<Result>(_ body: (UnsafePointer<mio_convolution>) -> Result) -> Result {
        let (height, width) = (geometry.height, geometry.width)
        var tensors = mio_convolution(
            source: source.handle, weights: weights.handle, bias: bias?.handle,
            destination: destination.handle, strides: (Int64(height.stride), Int64(width.stride)),
            dilation: (Int64(height.dilation - 1), Int64(width.dilation - 1)),
            padding_before: (Int64(height.before), Int64(width.before)),
            padding_after: (Int64(height.after), Int64(width.after)))
        return withExtendedLifetime(self) { body(&tensors) }
    }
}

/// An operation that oneDNN has picked an implementation for, without its code.
final class PrimitiveDescriptor {
    let handle: dnnl_primitive_desc_t

    /// A pass of a convolution; `nil` if oneDNN has no implementation.
    /// - Parameters:
    ///   - hint: forward's operation, for the gradients.
    ///   - relu: whether forward applies it.
    ///   - avoiding: the beginning of the names of implementations to pass over.
    ///   - roundsFactors: whether oneDNN may round 32-bit factors to bfloat16.
    init?(
        _ pass: ConvolutionPass, _ tensors: ConvolutionTensors, _ algorithm: dnnl_alg_kind_t,
        _ engine: OneDNNEngine, hint: PrimitiveDescriptor? = nil, relu: Bool = false, avoiding: String? = nil,
        roundsFactors: Bool = false
    ) {
        var attributes: dnnl_primitive_attr_t?
        guard dnnl_primitive_attr_create(&attributes) == dnnl_success else { return nil }
        defer { dnnl_primitive_attr_destroy(attributes) }
        guard dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user) == dnnl_success
        else { return nil }
        if roundsFactors {
            guard dnnl_primitive_attr_set_fpmath_mode(attributes, dnnl_fpmath_mode_bf16) == dnnl_success
            else { return nil }
        }
        var operations: dnnl_post_ops_t?
        defer { if let operations { dnnl_post_ops_destroy(operations) } }
        if relu {
            guard dnnl_post_ops_create(&operations) == dnnl_success,
                mio_append_relu(operations) == dnnl_success,
                dnnl_primitive_attr_set_post_ops(attributes, operations) == dnnl_success
            else { return nil }
        }
        var found: dnnl_primitive_desc_t?
        let status = tensors.withC { tensors in
            switch pass {
            case .forward:
                mio_convolution_forward(&found, tensors, algorithm, engine.handle, attributes, avoiding)
            case .backwardWeights:
                mio_convolution_backward_weights(
                    &found, tensors, algorithm, hint?.handle, engine.handle, attributes, avoiding)
            case .backwardData:
                mio_convolution_backward_data(
                    &found, tensors, algorithm, hint?.handle, engine.handle, attributes, avoiding)
            }
        }
        guard status == dnnl_success, let found else { return nil }
        handle = found
    }

    /// c (m, n) ← a (m, k) · b (k, n); `nil` if oneDNN has no implementation.
    /// - Parameter adds: whether the product is added to what is there.
    init?(
        product a: MemoryDescriptor, _ b: MemoryDescriptor, _ c: MemoryDescriptor, adds: Bool,
        _ engine: OneDNNEngine
    ) {
        var attributes: dnnl_primitive_attr_t?
        guard dnnl_primitive_attr_create(&attributes) == dnnl_success else { return nil }
        defer { dnnl_primitive_attr_destroy(attributes) }
        guard dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user) == dnnl_success
        else { return nil }
        var operations: dnnl_post_ops_t?
        defer { if let operations { dnnl_post_ops_destroy(operations) } }
        if adds {
            guard dnnl_post_ops_create(&operations) == dnnl_success,
                mio_append_sum(operations) == dnnl_success,
                dnnl_primitive_attr_set_post_ops(attributes, operations) == dnnl_success
            else { return nil }
        }
        var found: dnnl_primitive_desc_t?
        guard mio_product(&found, a.handle, b.handle, c.handle, engine.handle, attributes) == dnnl_success,
            let found
        else { return nil }
        handle = found
    }

    /// A copy of a tensor in another order.
    /// - Throws: `KernelError` if oneDNN has no implementation.
    init(
        reorderFrom from: MemoryDescriptor, to: MemoryDescriptor, _ engine: OneDNNEngine, _ operation: String
    ) throws(KernelError) {
        var found: dnnl_primitive_desc_t?
        try check(
            mio_reorder_create(&found, from.handle, to.handle, engine.handle), operation, "a reordering")
        handle = found!
    }

    deinit { dnnl_primitive_desc_destroy(handle) }

    func memory(_ what: dnnl_query_t, _ index: Int32 = 0) -> MemoryDescriptor {
        MemoryDescriptor(of: handle, what, index)
    }

    var scratch: MemoryDescriptor { memory(dnnl_query_scratchpad_md) }

    /// `jit:avx512_core`
    var implementation: String { String(cString: mio_implementation_name(handle)) }
}
