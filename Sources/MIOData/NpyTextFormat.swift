import MIOBase

/// How numpy's fixed-width texts lie in an array: `U`, UTF-32, or `S`, bytes. Zeros fill them up.
struct NpyTextFormat: Hashable {
    let isUnicode: Bool
    /// Characters, or bytes.
    let width: Int
    let isBigEndian: Bool

    /// - Parameter descriptor: numpy's `descr`, `<U5` or `|S3`.
    /// - Returns: `nil` for elements that are no texts.
    init?(descriptor: String) {
        guard let match = descriptor.wholeMatch(of: /([<>|=]?)([USa])([0-9]+)/), let width = Int(match.3),
            width <= Int.max / 4
        else { return nil }
        isUnicode = match.2 == "U"
        isBigEndian = match.1 == ">"
        self.width = width
    }

    /// The bytes of one element.
    var size: Int { isUnicode ? 4 * width : width }

    /// The text of one element. Bytes are UTF-8, or else Latin-1.
    /// - Parameter source: `size` bytes of any alignment.
    /// - Returns: `nil` for what is no Unicode.
    func text(_ source: UnsafeRawBufferPointer) -> String? {
        guard isUnicode else {
            let bytes = source.prefix(source.lastIndex { $0 != 0 }.map { $0 + 1 } ?? 0)
            return String(validating: bytes, as: UTF8.self)
                ?? String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
        }
        var scalars = String.UnicodeScalarView()
        var zeros = 0
        for index in 0..<width {
            let word = source.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)
            guard let scalar = Unicode.Scalar(isBigEndian ? word.bigEndian : word.littleEndian) else {
                return nil
            }
            if scalar.value == 0 {
                zeros += 1
                continue
            }
            for _ in 0..<zeros { scalars.append("\0") }
            zeros = 0
            scalars.append(scalar)
        }
        return String(scalars)
    }
}
