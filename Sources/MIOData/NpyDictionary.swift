import MIOBase

/// The Python literal in an `.npy` header: a dictionary of `descr`, `fortran_order` and `shape`.
struct NpyDictionary {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    private struct Malformed: Error { let expected: String }

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func parse(place: String) throws -> (
        descriptor: String, isFortranOrder: Bool, extents: [Int]
    ) {
        var descriptor: String?
        var isFortranOrder: Bool?
        var extents: [Int]?
        do {
            try expect("{")
            while !take("}") {
                let key = try string()
                try expect(":")
                switch key {
                case "descr":
                    if peek == UInt8(ascii: "[") || peek == UInt8(ascii: "(") {
                        throw DataError(
                            .unsupported, place,
                            "elements are records of several fields; save one array a field")
                    }
                    descriptor = try string()
                case "fortran_order": isFortranOrder = try boolean()
                case "shape": extents = try tuple()
                default: throw Malformed(expected: "descr, fortran_order or shape, not \(quoted: key)")
                }
                if !take(",") {
                    try expect("}")
                    break
                }
            }
            guard peek == nil else { throw Malformed(expected: "nothing after the dictionary") }
        } catch let error as Malformed {
            throw malformed(place, error.expected)
        }
        guard let descriptor, let isFortranOrder, let extents else {
            throw malformed(place, "descr, fortran_order and shape")
        }
        return (descriptor, isFortranOrder, extents)
    }

    private func malformed(_ place: String, _ expected: String) -> DataError {
        // numpy pads a header with spaces.
        let text = String(
            String(decoding: bytes.prefix(120), as: UTF8.self)
                .reversed().drop(while: \.isWhitespace).reversed())
        let found = text.isEmpty ? "an empty one" : text
        return DataError(
            .badHeader, place, "the array's header cannot be read: expected \(expected), in \(found)")
    }

    /// The next byte that is not white space.
    private var peek: UInt8? {
        mutating get {
            while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
            return position < bytes.count ? bytes[position] : nil
        }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws {
        if !take(character) { throw Malformed(expected: "'\(character)'") }
    }

    private mutating func string() throws -> String {
        guard let quote = peek, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
            throw Malformed(expected: "a string")
        }
        let start = position + 1
        guard let end = bytes[start...].firstIndex(of: quote) else {
            throw Malformed(expected: "the end of a string")
        }
        position = end + 1
        return String(decoding: bytes[start..<end], as: UTF8.self)
    }

    private mutating func boolean() throws -> Bool {
        for (word, value) in [("True", true), ("False", false)] {
            if peek != nil, bytes[position...].starts(with: word.utf8) {
                position += word.utf8.count
                return value
            }
        }
        throw Malformed(expected: "True or False")
    }

    private mutating func tuple() throws -> [Int] {
        try expect("(")
        var extents: [Int] = []
        while !take(")") {
            extents.append(try count())
            _ = take("L")  // Python 2 wrote long integers so.
            if !take(",") {
                try expect(")")
                break
            }
        }
        return extents
    }

    private mutating func count() throws -> Int {
        _ = peek
        var value = 0
        let start = position
        while position < bytes.count, (0x30...0x39).contains(bytes[position]) {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int(bytes[position]) - 0x30)
            guard !overflow, !carry else { throw Malformed(expected: "an extent below 2^63") }
            value = sum
            position += 1
        }
        guard position > start else { throw Malformed(expected: "a count in the shape") }
        // As in Python: leading zeros once meant octal numbers.
        guard position - start == 1 || bytes[start] != 0x30 else {
            throw Malformed(expected: "a count without leading zeros in the shape")
        }
        return value
    }
}
