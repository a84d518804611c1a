import CVectorLoops
import MIOBase

/// Whether tensors are numbers throughout.
package enum FiniteValues {
    /// The index of the first value that is NaN or infinite; `nil` if all are finite.
    package static func firstNonFinite(_ values: UnsafeBufferPointer<Float>) -> Int? {
        guard let start = values.baseAddress, mio_all_finite(values.count, start) == 0 else { return nil }
        return values.firstIndex { !$0.isFinite }
    }
}

extension SafetensorsFile {
    /// The first float32 tensor with a value that is NaN or infinite; `nil` if there is none.
    package func firstNonFiniteTensor() throws -> String? {
        for entry in entries where entry.elementType == .float32 {
            let isFinite = try withBytes(named: entry.name) { bytes in
                guard Int(bitPattern: bytes.baseAddress) % MemoryLayout<Float>.alignment == 0 else {
                    return stride(from: 0, to: bytes.count, by: 4).allSatisfy {
                        bytes.loadUnaligned(fromByteOffset: $0, as: Float.self).isFinite
                    }
                }
                return bytes.withMemoryRebound(to: Float.self) { FiniteValues.firstNonFinite($0) == nil }
            }
            if !isFinite { return entry.name }
        }
        return nil
    }
}
