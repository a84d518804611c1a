import CDenseLoops
import COneDNN
import MIOPlan
import MIOTensor

/// oneDNN's view of the processor.
///
/// - Safety: a CPU engine is immutable after its creation and oneDNN documents its use from several threads.
final class OneDNNEngine: @unchecked Sendable {
    let handle: dnnl_engine_t
    /// Channels a blocked image keeps side by side: a register's 32-bit lanes.
    let block: Int
    /// `avx512_core` and later, where oneDNN has Winograd convolutions.
    let hasAVX512: Bool
    /// Registers for mio's own, of a block's lanes.
    let hasBlockedWinograd: Bool
    /// Instructions that multiply bfloat16.
    let hasBFloat16: Bool

    init() throws(KernelError) {
        var engine: dnnl_engine_t?
        try check(dnnl_engine_create(&engine, dnnl_cpu, 0), "oneDNN", "making an engine")
        handle = engine!
        let isa = dnnl_get_effective_cpu_isa().rawValue
        hasAVX512 = isa & dnnl_cpu_isa_avx512_core.rawValue == dnnl_cpu_isa_avx512_core.rawValue
        hasBFloat16 =
            isa & dnnl_cpu_isa_avx512_core_bf16.rawValue == dnnl_cpu_isa_avx512_core_bf16.rawValue
        block = hasAVX512 ? 16 : 8
        // oneDNN can be told to do as if it had less.
        let hasAVX2 = isa & dnnl_cpu_isa_avx2.rawValue == dnnl_cpu_isa_avx2.rawValue
        hasBlockedWinograd = hasAVX2 && mio_has_winograd(Int64(block))
    }

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

/// How a tensor lies in memory, in oneDNN's words.
struct MemoryDescriptor {
    var raw: dnnl_memory_desc_t

    /// - Parameter tag: the order of the axes; `dnnl_format_tag_any` leaves it to a primitive.
    init(
        _ dimensions: [Int], _ tag: dnnl_format_tag_t, _ operation: String,
        _ type: dnnl_data_type_t = dnnl_f32
    ) throws(KernelError) {
        raw = dnnl_memory_desc_t()
        let extents = dimensions.map { Int64($0) } + [Int64](repeating: 0, count: 12 - dimensions.count)
        try check(
            dnnl_memory_desc_init_by_tag(&raw, Int32(dimensions.count), extents, type, tag), operation,
            "a tensor of \(dimensions)")
    }

    init(_ raw: dnnl_memory_desc_t) { self.raw = raw }

    /// (samples, height, width, channels) in a layout of the plan; `nil`: as the primitive likes it.
    init(
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

    var bytes: Int { withUnsafePointer(to: raw) { Int(dnnl_memory_desc_get_size($0)) } }

    /// 32-bit elements, rounded up to a cache line.
    var elements: Int { alignedElements(bytes: bytes) }

    static func == (a: MemoryDescriptor, b: MemoryDescriptor) -> Bool {
        withUnsafePointer(to: a.raw) { x in
            withUnsafePointer(to: b.raw) { y in dnnl_memory_desc_equal(x, y) != 0 }
        }
    }
}

func alignedElements(bytes: Int) -> Int { (bytes + 63) / 64 * 16 }

/// An operation that oneDNN has picked an implementation for, without its code.
final class PrimitiveDescriptor {
    let handle: dnnl_primitive_desc_t

    /// `nil` if oneDNN has no implementation.
    /// - Parameter avoiding: the beginning of the names of implementations to pass over.
    init?(
        _ operation: UnsafeRawPointer, _ engine: OneDNNEngine, hint: PrimitiveDescriptor? = nil,
        relu: Bool = false, avoiding: String? = nil
    ) {
        var attributes: dnnl_primitive_attr_t?
        guard dnnl_primitive_attr_create(&attributes) == dnnl_success else { return nil }
        defer { dnnl_primitive_attr_destroy(attributes) }
        guard dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user) == dnnl_success
        else { return nil }
        var operations: dnnl_post_ops_t?
        defer { if let operations { dnnl_post_ops_destroy(operations) } }
        if relu {
            guard dnnl_post_ops_create(&operations) == dnnl_success,
                dnnl_post_ops_append_eltwise(operations, 1, dnnl_eltwise_relu, 0, 0) == dnnl_success,
                dnnl_primitive_attr_set_post_ops(attributes, operations) == dnnl_success
            else { return nil }
        }
        // The implementations there are, the one oneDNN prefers first.
        var iterator: dnnl_primitive_desc_iterator_t?
        guard
            dnnl_primitive_desc_iterator_create(&iterator, operation, attributes, engine.handle, hint?.handle)
                == dnnl_success
        else { return nil }
        defer { dnnl_primitive_desc_iterator_destroy(iterator) }
        while true {
            guard let descriptor = dnnl_primitive_desc_iterator_fetch(iterator) else { return nil }
            guard let avoiding, Self.implementation(descriptor).hasPrefix(avoiding) else {
                handle = descriptor
                return
            }
            dnnl_primitive_desc_destroy(descriptor)
            guard dnnl_primitive_desc_iterator_next(iterator) == dnnl_success else { return nil }
        }
    }

    deinit { dnnl_primitive_desc_destroy(handle) }

    func memory(_ what: dnnl_query_t, _ index: Int32 = 0) -> MemoryDescriptor {
        MemoryDescriptor(dnnl_primitive_desc_query_md(handle, what, index).pointee)
    }

    var scratch: MemoryDescriptor { memory(dnnl_query_scratchpad_md) }

    /// `jit:avx512_core`
    var implementation: String { Self.implementation(handle) }

    private static func implementation(_ descriptor: dnnl_primitive_desc_t) -> String {
        var name: UnsafePointer<CChar>?
        guard dnnl_primitive_desc_query(descriptor, dnnl_query_impl_info_str, 0, &name) == dnnl_success,
            let name
        else { return "unknown" }
        return String(cString: name)
    }
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
        _ name: String, _ descriptor: dnnl_primitive_desc_t, _ engine: OneDNNEngine, _ bound: [Argument]
    ) throws(KernelError) {
        self.name = name
        self.engine = engine
        count = Int32(bound.count)
        arguments = .allocate(capacity: bound.count)
        var primitive: dnnl_primitive_t?
        let status = dnnl_primitive_create(&primitive, descriptor)
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
            var raw = argument.memory.raw
            try check(
                dnnl_memory_create(
                    &memory, &raw, engine.handle, argument.pointer.map { UnsafeMutableRawPointer($0) }),
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
        var descriptor: dnnl_primitive_desc_t?
        var (source_, target_) = (from.raw, to.raw)
        try check(
            dnnl_reorder_primitive_desc_create(
                &descriptor, &source_, engine.handle, &target_, engine.handle, nil), name, "a reordering")
        defer { dnnl_primitive_desc_destroy(descriptor) }
        return try Execution(
            name, descriptor!, engine,
            [
                Argument(
                    index: DNNL_ARG_FROM, memory: from, pointer: UnsafeMutablePointer(mutating: source)),
                Argument(index: DNNL_ARG_TO, memory: to, pointer: target),
            ])
    }
}
