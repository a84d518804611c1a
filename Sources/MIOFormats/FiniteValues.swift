import MIOTensor

/// Whether tensors are numbers throughout.
package enum FiniteValues {
    /// The index of the first value that is NaN or infinite; `nil` if all are finite.
    package static func firstNonFinite(_ values: UnsafeBufferPointer<Float>) -> Int? {
        guard let start = values.baseAddress else { return nil }
        // Blocks, each without a branch: most files have none.
        let block = 1 << 12
        for begin in stride(from: 0, to: values.count, by: block) {
            let end = min(begin + block, values.count)
            var found: UInt32 = 0
            for index in begin..<end {
                found |= start[index].bitPattern & exponent == exponent ? 1 : 0
            }
            if found != 0 { return (begin..<end).first { !start[$0].isFinite } }
        }
        return nil
    }

    /// All its bits are set in an infinity and in a NaN, and in nothing else.
    private static let exponent: UInt32 = 0x7F80_0000
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
