import MIOBase

/// Texts as an array of numpy's fixed-width type `U`: each element is UTF-32 in little-endian order, filled up with zeros.
struct NpyText {
    let header: [UInt8]
    let bytes: [UInt8]

    init(_ values: [String]) {
        // numpy has no type for texts of width 0.
        let width = max(1, values.map(\.unicodeScalars.count).max() ?? 1)
        header = NpyHeader.encode(descriptor: "<U\(width)", [values.count])
        bytes = values.flatMap { value in
            let scalars = value.unicodeScalars.map(\.value)
            return (scalars + [UInt32](repeating: 0, count: width - scalars.count)).flatMap(
                \.littleEndianBytes)
        }
    }
}
