import COneDNN
import MIOTensor

/// oneDNN's engine and stream, as one rank uses them.
///
/// It belongs to the thread that steps: oneDNN runs a CPU stream on the thread that executes.
final class OneDNN {
    let engine: dnnl_engine_t
    let stream: dnnl_stream_t

    init() throws {
        var engine: dnnl_engine_t?
        try Self.check(dnnl_engine_create(&engine, dnnl_cpu, 0), "creating an engine")
        var stream: dnnl_stream_t?
        try Self.check(
            dnnl_stream_create(&stream, engine, dnnl_stream_default_flags.rawValue), "creating a stream")
        guard let engine, let stream else {
            throw KernelError(operation: "oneDNN", message: "creating an engine gave none")
        }
        self.engine = engine
        self.stream = stream
    }

    deinit {
        dnnl_stream_destroy(stream)
        dnnl_engine_destroy(engine)
    }

    static func check(_ status: dnnl_status_t, _ what: String) throws {
        guard status == dnnl_success else {
            throw KernelError(operation: "oneDNN", message: "\(what) failed with status \(status.rawValue)")
        }
    }

    /// Channels that convolutions want next to each other: the lanes of the widest vector of this machine.
    static var channelBlock: Int {
        let isa = dnnl_get_effective_cpu_isa().rawValue
        return isa & dnnl_cpu_isa_avx512_core.rawValue == dnnl_cpu_isa_avx512_core.rawValue ? 16 : 8
    }
}

/// A layout as oneDNN describes it.
struct MemoryDescription {
    var raw = dnnl_memory_desc_t()

    init(raw: dnnl_memory_desc_t) { self.raw = raw }

    /// 32-bit elements in a layout of oneDNN's names; `dnnl_format_tag_any` leaves the choice to a primitive.
    init(_ dimensions: [Int], _ tag: dnnl_format_tag_t) throws {
        let dimensions = dimensions.map { dnnl_dim_t($0) }
        try OneDNN.check(
            dnnl_memory_desc_init_by_tag(&raw, Int32(dimensions.count), dimensions, dnnl_f32, tag),
            "describing memory of \(dimensions)")
    }

    /// An image's samples: logical (samples, channels, height, width).
    init(samples: Int, height: Int, width: Int, channels: Int, blocked: Int?) throws {
        let tag =
            switch blocked {
            case 16: dnnl_nChw16c
            case 8: dnnl_nChw8c
            default: dnnl_nhwc
            }
        try self.init([samples, channels, height, width], tag)
    }

    var bytes: Int { withUnsafePointer(to: raw) { Int(dnnl_memory_desc_get_size($0)) } }
    var elements: Int { (bytes + 3) / 4 }

    static func == (a: Self, b: Self) -> Bool {
        withUnsafePointer(to: a.raw) { first in
            withUnsafePointer(to: b.raw) { dnnl_memory_desc_equal(first, $0) != 0 }
        }
    }
}

/// A primitive's description: what oneDNN would do, before memory is given.
final class PrimitiveDescription {
    let raw: dnnl_primitive_desc_t

    /// - Parameters:
    ///   - operation: an operation descriptor of oneDNN.
    ///   - relu: whether a relu is applied to the result.
    ///   - hint: the forward of a backward.
    /// - Returns: `nil` if oneDNN has no such implementation.
    init?(
        _ library: OneDNN, _ operation: UnsafeRawPointer, relu: Bool = false,
        hint: PrimitiveDescription? = nil
    ) throws {
        var attributes: dnnl_primitive_attr_t?
        try OneDNN.check(dnnl_primitive_attr_create(&attributes), "creating attributes")
        defer { dnnl_primitive_attr_destroy(attributes) }
        try OneDNN.check(
            dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user),
            "setting the scratchpad mode")
        if relu {
            var operations: dnnl_post_ops_t?
            try OneDNN.check(dnnl_post_ops_create(&operations), "creating post operations")
            defer { dnnl_post_ops_destroy(operations) }
            try OneDNN.check(
                dnnl_post_ops_append_eltwise(operations, 1, dnnl_eltwise_relu, 0, 0), "appending a relu")
            try OneDNN.check(
                dnnl_primitive_attr_set_post_ops(attributes, operations), "setting post operations")
        }
        var description: dnnl_primitive_desc_t?
        let status = dnnl_primitive_desc_create(
            &description, operation, attributes, library.engine, hint?.raw)
        if status == dnnl_unimplemented { return nil }
        try OneDNN.check(status, "describing a primitive")
        guard let description else { return nil }
        raw = description
    }

    /// A reordering between two layouts.
    init(_ library: OneDNN, from source: MemoryDescription, to target: MemoryDescription) throws {
        var attributes: dnnl_primitive_attr_t?
        try OneDNN.check(dnnl_primitive_attr_create(&attributes), "creating attributes")
        defer { dnnl_primitive_attr_destroy(attributes) }
        try OneDNN.check(
            dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user),
            "setting the scratchpad mode")
        var description: dnnl_primitive_desc_t?
        try withUnsafePointer(to: source.raw) { source in
            try withUnsafePointer(to: target.raw) { target in
                try OneDNN.check(
                    dnnl_reorder_primitive_desc_create(
                        &description, source, library.engine, target, library.engine, attributes),
                    "describing a reordering")
            }
        }
        guard let description else {
            throw KernelError(operation: "oneDNN", message: "describing a reordering gave none")
        }
        raw = description
    }

    deinit { dnnl_primitive_desc_destroy(raw) }

    /// The implementation's name, such as `jit_wino_4x3:avx512_core`.
    var implementation: String {
        var name: UnsafePointer<CChar>?
        let status = dnnl_primitive_desc_query(raw, dnnl_query_impl_info_str, 0, &name)
        guard status == dnnl_success, let name else { return "unknown" }
        return String(cString: name)
    }

    func memory(_ query: dnnl_query_t) -> MemoryDescription? {
        dnnl_primitive_desc_query_md(raw, query, 0).map { MemoryDescription(raw: $0.pointee) }
    }

    var scratchElements: Int { memory(dnnl_query_scratchpad_md)?.elements ?? 0 }
}

/// A primitive bound to memory: ready to be executed, which allocates nothing here.
final class Primitive {
    private let library: OneDNN
    private let raw: dnnl_primitive_t
    private let memories: [dnnl_memory_t]
    private let arguments: Storage<dnnl_exec_arg_t>

    /// - Parameter arguments: each argument's number, layout and place.
    init(
        _ library: OneDNN, _ description: PrimitiveDescription,
        _ arguments: [(number: Int32, layout: MemoryDescription, pointer: UnsafeMutablePointer<Float>)]
    ) throws {
        self.library = library
        var primitive: dnnl_primitive_t?
        try OneDNN.check(dnnl_primitive_create(&primitive, description.raw), "creating a primitive")
        guard let primitive else {
            throw KernelError(operation: "oneDNN", message: "creating a primitive gave none")
        }
        raw = primitive
        var memories: [dnnl_memory_t] = []
        let table = Storage<dnnl_exec_arg_t>(count: arguments.count)
        for (index, argument) in arguments.enumerated() {
            var memory: dnnl_memory_t?
            try withUnsafePointer(to: argument.layout.raw) {
                try OneDNN.check(
                    dnnl_memory_create(&memory, $0, library.engine, argument.pointer), "creating memory")
            }
            guard let memory else {
                throw KernelError(operation: "oneDNN", message: "creating memory gave none")
            }
            memories.append(memory)
            table.pointer[index] = dnnl_exec_arg_t(arg: argument.number, memory: memory)
        }
        self.memories = memories
        self.arguments = table
    }

    deinit {
        for memory in memories { dnnl_memory_destroy(memory) }
        dnnl_primitive_destroy(raw)
    }

    /// A failure here is a bug: everything was checked when the primitive was made.
    func execute() {
        let status = dnnl_primitive_execute(raw, library.stream, Int32(arguments.count), arguments.pointer)
        precondition(status == dnnl_success, "oneDNN failed with status \(status.rawValue)")
    }
}
