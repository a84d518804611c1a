import COneDNN
import MIOBase
import MIOPlan

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
    init(of primitive: dnnl_primitive_desc_t, _ what: dnnl_query_t, _ index: Int32) {
        var made: OpaquePointer?
        let status = mio_primitive_memory_descriptor(&made, primitive, what, index)
        // An operation has all tensors that are asked for.
        precondition(status == dnnl_success, "oneDNN has no tensor \(what.rawValue): \(statusName(status))")
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

/// Elements, rounded up to a cache line.
func aligned(_ elements: Int) -> Int { (elements + 15) / 16 * 16 }
