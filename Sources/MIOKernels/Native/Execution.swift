import COneDNN

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
            throw KernelError(operation: name, message: "oneDNN refused a primitive: \(statusName(status))")
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
        precondition(status == dnnl_success, "\(name): oneDNN failed: \(statusName(status))")
        let waited = dnnl_stream_wait(stream)
        precondition(waited == dnnl_success, "\(name): oneDNN failed: \(statusName(waited))")
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
