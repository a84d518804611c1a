import CDenseLoops
import CFailedAllocation
import COneDNN
import MIOGraph
import MIOPlan
import MIOTensor

/// oneDNN's view of the processor.
///
/// - Safety: a CPU engine is immutable after its creation and oneDNN documents its use from several threads.
final class OneDNNEngine: @unchecked Sendable {
    let handle: dnnl_engine_t
    /// Channels a blocked image keeps side by side: a register's 32-bit lanes.
    let block: Int
    /// `avx512_core` and later.
    let hasAVX512: Bool
    /// Winograd convolutions of oneDNN: 2.6 and 3.1 have them for AVX-512, 3.7 has none.
    let hasWinograd: Bool
    /// Registers for mio's own, of a block's lanes.
    let hasBlockedWinograd: Bool
    /// Instructions that multiply bfloat16.
    let hasBFloat16: Bool
    /// Instructions that multiply tiles of bfloat16.
    let hasAMX: Bool

    init() throws(KernelError) {
        Self.explainFailedAllocations
        var engine: dnnl_engine_t?
        try check(dnnl_engine_create(&engine, dnnl_cpu, 0), "oneDNN", "making an engine")
        handle = engine!
        let isa = dnnl_get_effective_cpu_isa().rawValue
        hasAVX512 = isa & dnnl_cpu_isa_avx512_core.rawValue == dnnl_cpu_isa_avx512_core.rawValue
        hasBFloat16 =
            isa & dnnl_cpu_isa_avx512_core_bf16.rawValue == dnnl_cpu_isa_avx512_core_bf16.rawValue
        hasAMX =
            isa & dnnl_cpu_isa_avx512_core_amx.rawValue == dnnl_cpu_isa_avx512_core_amx.rawValue
        hasWinograd = mio_onednn_has_winograd(handle)
        block = hasAVX512 ? 16 : 8
        // oneDNN can be told to do as if it had less.
        let hasAVX2 = isa & dnnl_cpu_isa_avx2.rawValue == dnnl_cpu_isa_avx2.rawValue
        hasBlockedWinograd = hasAVX2 && mio_has_winograd(Int64(block))
    }

    /// oneDNN is C++: without memory it would end the process by a signal.
    private static let explainFailedAllocations: Void = {
        let text: StaticString =
            "mio: cannot allocate memory for oneDNN (see `ulimit -v`); take fewer ranks a machine or a smaller model\n"
        text.utf8Start.withMemoryRebound(to: CChar.self, capacity: text.utf8CodeUnitCount + 1) {
            mio_end_on_failed_allocation($0, ExitCode.inputOutput.rawValue)
        }
    }()

    deinit { dnnl_engine_destroy(handle) }
}

/// - Throws: `KernelError` unless `status` is success.
func check(_ status: dnnl_status_t, _ operation: String, _ action: String) throws(KernelError) {
    guard status == dnnl_success else {
        throw KernelError(
            operation: operation, message: "oneDNN refused \(action): \(name(of: status))")
    }
}

private func name(of status: dnnl_status_t) -> String { String(cString: dnnl_status2str(status)) }

/// How a tensor lies in memory, in oneDNN's words. It never changes.
final class MemoryDescriptor {
    let handle: OpaquePointer

    /// - Parameter tag: the order of the axes; `dnnl_format_tag_any` leaves it to a primitive.
    /// - Throws: `KernelError` if oneDNN has no such tensor.
    init(
        _ dimensions: [Int], _ tag: dnnl_format_tag_t, _ operation: String,
        _ type: dnnl_data_type_t = dnnl_f32
    ) throws(KernelError) {
        var made: OpaquePointer?
        let extents = dimensions.map { Int64($0) }
        try check(
            mio_memory_descriptor_create(&made, Int32(dimensions.count), extents, type, tag), operation,
            "a tensor of \(dimensions)")
        handle = made!
    }

    /// Of 32-bit floats.
    /// - Parameter strides: elements between neighbours along each axis.
    /// - Throws: `KernelError` if oneDNN has no such tensor.
    init(_ dimensions: [Int], strides: [Int], _ operation: String) throws(KernelError) {
        var made: OpaquePointer?
        try check(
            mio_memory_descriptor_create_strided(
                &made, Int32(dimensions.count), dimensions.map { Int64($0) }, strides.map { Int64($0) },
                dnnl_f32), operation, "a tensor of \(dimensions)")
        handle = made!
    }

    /// (samples, height, width, channels) in a layout of the plan; `nil`: as the primitive likes it.
    /// - Throws: `KernelError` if oneDNN has no such tensor.
    convenience init(
        image: Shape, samples: Int, layout: Layout?, _ operation: String, _ type: dnnl_data_type_t = dnnl_f32
    ) throws(KernelError) {
        let tag =
            switch layout {
            case nil: dnnl_format_tag_any
            case .channelBlocked(16): dnnl_aBcd16b
            case .channelBlocked: dnnl_aBcd8b
            default: dnnl_acdb
            }
        try self.init([samples, image[2], image[0], image[1]], tag, operation, type)
    }

    /// One of the tensors of an operation.
    fileprivate init(of primitive: dnnl_primitive_desc_t, _ what: dnnl_query_t, _ index: Int32) {
        var made: OpaquePointer?
        let status = mio_primitive_memory_descriptor(&made, primitive, what, index)
        // An operation has all tensors that are asked for.
        precondition(status == dnnl_success, "oneDNN has no tensor \(what.rawValue): \(name(of: status))")
        handle = made!
    }

    deinit { mio_memory_descriptor_destroy(handle) }

    var bytes: Int { mio_memory_descriptor_bytes(handle) }

    /// 32-bit elements, rounded up to a cache line.
    var elements: Int { alignedElements(bytes: bytes) }

    static func == (a: MemoryDescriptor, b: MemoryDescriptor) -> Bool {
        mio_memory_descriptors_are_equal(a.handle, b.handle)
    }
}

func alignedElements(bytes: Int) -> Int { (bytes + 63) / 64 * 16 }

/// The tensors of a pass of a convolution or their gradients, and its window.
struct ConvolutionTensors {
    var source: MemoryDescriptor
    var weights: MemoryDescriptor
    var bias: MemoryDescriptor?
    var destination: MemoryDescriptor
    let strides: [Int]
    let geometry: WindowGeometry

    /// - Parameter body: what is done with them as C has them; it must not keep them.
    fileprivate func withC<Result>(_ body: (UnsafePointer<mio_convolution>) -> Result) -> Result {
        let (height, width) = (geometry.height, geometry.width)
        var tensors = mio_convolution(
            source: source.handle, weights: weights.handle, bias: bias?.handle,
            destination: destination.handle, strides: (Int64(strides[0]), Int64(strides[1])),
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

/// A primitive with its arguments, ready to run again and again. Each owns its stream: a kernel and all it owns
/// stay on one thread.
final class Execution {
    struct Argument {
        let index: Int32
        let memory: MemoryDescriptor
        let pointer: UnsafeMutablePointer<Float>?
    }

    private let name: String
    private let engine: OneDNNEngine
    private let primitive: dnnl_primitive_t
    private var stream: dnnl_stream_t?
    private var memories: [dnnl_memory_t] = []
    private let arguments: UnsafeMutablePointer<dnnl_exec_arg_t>
    private let count: Int32

    /// - Throws: `KernelError` if oneDNN cannot make the code or the memory objects.
    init(
        _ name: String, _ descriptor: PrimitiveDescriptor, _ engine: OneDNNEngine, _ bound: [Argument]
    ) throws(KernelError) {
        self.name = name
        self.engine = engine
        count = Int32(bound.count)
        arguments = .allocate(capacity: bound.count)
        var primitive: dnnl_primitive_t?
        let status = dnnl_primitive_create(&primitive, descriptor.handle)
        guard status == dnnl_success, let primitive else {
            arguments.deallocate()
            throw KernelError(operation: name, message: "oneDNN refused a primitive: \(status.rawValue)")
        }
        self.primitive = primitive
        try check(
            dnnl_stream_create(&stream, engine.handle, UInt32(dnnl_stream_default_flags.rawValue)), name,
            "a stream")
        for (position, argument) in bound.enumerated() {
            var memory: dnnl_memory_t?
            try check(
                mio_memory_create(
                    &memory, argument.memory.handle, engine.handle,
                    argument.pointer.map { UnsafeMutableRawPointer($0) }),
                name, "a memory object")
            memories.append(memory!)
            (arguments + position).initialize(to: dnnl_exec_arg_t(arg: argument.index, memory: memory))
        }
    }

    deinit {
        for memory in memories { dnnl_memory_destroy(memory) }
        if let stream { dnnl_stream_destroy(stream) }
        dnnl_primitive_destroy(primitive)
        arguments.deallocate()
    }

    func run() {
        let status = dnnl_primitive_execute(primitive, stream, count, arguments)
        // The arguments were checked when they were made: a refusal now is a bug.
        precondition(status == dnnl_success, "\(name): oneDNN failed with status \(status.rawValue)")
        let waited = dnnl_stream_wait(stream)
        precondition(waited == dnnl_success, "\(name): oneDNN failed with status \(waited.rawValue)")
    }

    /// A copy of `source`, which lies as `from` says, to `target`.
    static func reorder(
        _ name: String, _ engine: OneDNNEngine, _ source: UnsafePointer<Float>, _ from: MemoryDescriptor,
        _ target: UnsafeMutablePointer<Float>, _ to: MemoryDescriptor
    ) throws(KernelError) -> Execution {
        let descriptor = try PrimitiveDescriptor(reorderFrom: from, to: to, engine, name)
        return try Execution(
            name, descriptor, engine,
            [
                Argument(
                    index: DNNL_ARG_FROM, memory: from, pointer: UnsafeMutablePointer(mutating: source)),
                Argument(index: DNNL_ARG_TO, memory: to, pointer: target),
            ])
    }
}
