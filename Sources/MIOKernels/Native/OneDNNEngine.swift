import CDenseLoops
import CFailedAllocation
import COneDNN
import MIOBase

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
    /// The same for mio's own loops.
    let hasTiles: Bool

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
        hasTiles = hasAMX && mio_has_tiles()
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
            operation: operation, message: "oneDNN refused \(action): \(statusName(status))")
    }
}

func statusName(_ status: dnnl_status_t) -> String { String(cString: dnnl_status2str(status)) }
