import MIOBase
import MIOData
import TestFolders
import Testing

struct NpyFileTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func open(_ bytes: [UInt8]) throws -> DataArray {
        try NpyFile.open(path: folder.write("x.npy", bytes))
    }

    /// A file of version 1.0 with any header text.
    private func file(header: String, content: Int) -> [UInt8] {
        let text = Array(header.utf8)
        return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.count & 0xFF), UInt8(text.count >> 8)] + text
            + [UInt8](repeating: 0, count: content)
    }

    @Test func everyVersionIsRead() throws {
        for bytes in [Fixtures.version2, Fixtures.version3] {
            let array = try open(bytes)
            #expect(array.shape == [3, 2])
            #expect(array.rowCount == 3)
            #expect(array.rowShape == [2])
            #expect(array.elementType == .float32)
            #expect(array.values() == imageValues)
        }
        let old = try open(
            file(header: "{\"shape\": (2L, 1L,), 'fortran_order': False, \"descr\": '=i2'}\n", content: 4))
        #expect(old.shape == [2, 1])
        #expect(old.elementType == .int16)
    }

    @Test func aPartIsRead() throws {
        let array = try open(Fixtures.version2)
        var part: [Float] = [0, 0]
        array.read(2..<4, into: &part)
        #expect(part == [2.5, 3.5])
    }

    @Test func whatIsNotReadSaysWhatToDo() throws {
        let expected: [([UInt8], String)] = [
            (Fixtures.complex, "complex numbers (dtype \"<c8\")"),
            (Fixtures.strings, "texts (dtype \"<U1\")"),
            (Fixtures.objects, "Python objects (dtype \"|O\")"),
            (Fixtures.dates, "dates or time differences (dtype \"<M8[s]\")"),
            (Fixtures.records, "records of several fields; save one array a field"),
            (
                file(header: "{'descr': '<f16', 'fortran_order': False, 'shape': (1,)}", content: 16),
                "\"<f16\""
            ),
        ]
        for (bytes, message) in expected {
            let error = dataError { try open(bytes) }
            #expect(error?.kind == .unsupported)
            #expect(error?.exitCode == .badInput)
            #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
            #expect(error?.description.hasPrefix(folder.path + "/x.npy: ") == true)
        }
        for (major, minor) in [(4, 0), (1, 1), (2, 3), (3, 1), (0, 0)] as [(UInt8, UInt8)] {
            var other = Fixtures.version2
            other[6] = major
            other[7] = minor
            #expect(dataError { try open(other) }?.message.contains("version \(major).\(minor)") == true)
        }
    }

    @Test func otherOrdersAreCopied() throws {
        let fortran = try open(Fixtures.fortran)
        #expect(fortran.shape == [3, 2])
        #expect(fortran.values() == imageValues)
        #expect(fortran.copyReason == .fortranOrder)
        let bigEndian = try open(Fixtures.bigEndian)
        #expect(bigEndian.values() == imageValues)
        #expect(bigEndian.copyReason == .bigEndian)
        // One axis is the same in both orders; a byte has no order.
        let vector = try open(
            file(header: "{'descr': '>i1', 'fortran_order': True, 'shape': (1, 4)}\n", content: 4))
        #expect(vector.copyReason == nil)
    }

    /// Element (i, j, k) of an array (rows, 3, 5) is 15 i + 5 j + k, written k, j, i outermost first.
    @Test(arguments: [("<i2", 2, false), (">i4", 4, true), ("|u1", 1, false), (">f8", 8, true)])
    func everyWidthIsTransposed(descriptor: String, size: Int, isBigEndian: Bool) throws {
        let rows = size == 1 ? 17 : 2000
        var bytes = file(
            header: "{'descr': '\(descriptor)', 'fortran_order': True, 'shape': (\(rows), 3, 5)}\n",
            content: 0)
        for k in 0..<5 {
            for j in 0..<3 {
                for i in 0..<rows {
                    let value = 15 * i + 5 * j + k
                    let pattern = descriptor.contains("f") ? Double(value).bitPattern : UInt64(value)
                    let littleEndian = (0..<size).map {
                        UInt8(truncatingIfNeeded: pattern >> (8 * UInt64($0)))
                    }
                    bytes += isBigEndian ? littleEndian.reversed() : littleEndian
                }
            }
        }
        for scratch in [ScratchStore(), ScratchStore(memoryBound: 0, folder: folder.path)] {
            let array = try NpyFile.open(path: folder.write("x.npy", bytes), scratch: scratch)
            #expect(array.shape == [rows, 3, 5])
            #expect(array.values() == (0..<rows * 15).map { Float($0) })
        }
    }

    @Test func everyTruncationIsAnError() throws {
        for count in 1..<Fixtures.version2.count {
            let error = dataError { try open(Array(Fixtures.version2.prefix(count))) }
            #expect(error?.kind == .truncated, "\(count) bytes: \(error?.description ?? "")")
        }
        #expect(dataError { try open([]) }?.kind == .empty)
        #expect(dataError { try open(Array("hello, world".utf8)) }?.kind == .wrongMagic)
        let missing = dataError { try NpyFile.open(path: folder.path + "/none.npy") }
        #expect(missing?.kind == .missing)
        #expect(missing?.exitCode == .missingInput)
        #expect(
            dataError { try NpyFile.open(path: folder.path) }?.message.contains(
                "not a plain file but a folder") == true)
    }

    @Test func aHeaderThatLiesIsAnError() throws {
        let more = dataError { try open(Fixtures.version2.replacing("(3, 2)", with: "(9, 9)")) }
        #expect(more?.kind == .truncated)
        #expect(
            more?.message
                == "the header claims shape (9, 9) of f4, 324 bytes, but only 24 follow: the file is "
                + "cut short or its header lies")
        let less = dataError { try open(Fixtures.version2.replacing("(3, 2)", with: "(2, 2)")) }
        #expect(less?.kind == .badHeader)
        #expect(less?.message.contains("16 bytes, but 24 follow") == true)
        for shape in ["(4611686018427387904, 8)", "(0, 4611686018427387904, 8)", "(99999999999999999999,)"] {
            let error = dataError {
                try open(
                    file(header: "{'descr': '<f4', 'fortran_order': False, 'shape': \(shape)}", content: 8))
            }
            #expect(error?.kind == .badHeader, "\(shape)")
        }
    }

    @Test func aMalformedHeaderIsAnError() throws {
        for header in [
            "", "{", "{}", "[]", "{'descr': '<f4'}",
            "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (01,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (001, 1)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (0x1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (+1,)}",
            "{'descr': '<f4, 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}",
        ] {
            let error = dataError { try open(file(header: header, content: 4)) }
            #expect(error?.kind == .badHeader, "\(header)")
            // The spaces that numpy pads a header with are not shown.
            let padded = dataError { try open(file(header: header + "     \n", content: 4)) }
            #expect(padded?.message.last?.isWhitespace == false, "\(header)")
        }
    }

    /// numpy has at most 64 axes, and its headers are short.
    @Test func hugeHeadersAreRefused() throws {
        func bytes(axes: Int) -> [UInt8] {
            let ones = String(repeating: "1, ", count: axes - 1)
            return file(
                header: "{'descr': '<f4', 'fortran_order': False, 'shape': (2, \(ones)), }", content: 8)
        }
        #expect(try open(bytes(axes: 64)).shape.rank == 64)
        for count in [65, 20_000] {
            let error = dataError { try open(bytes(axes: count)) }
            #expect(error?.kind == .badHeader)
            #expect(error?.message == "the header claims \(count) axes; an array of numpy has at most 64")
        }
        // Version 2 counts its header in four bytes.
        var long = Array(Fixtures.version2.prefix(8)) + [0x01, 0x00, 0x01, 0x00]
        long += [UInt8](repeating: 0x20, count: 65_537)
        let error = dataError { try open(long) }
        #expect(error?.kind == .badHeader)
        #expect(error?.message == "the header claims 65537 bytes; at most 65536 are read")
    }

    @Test func writtenArraysAreReadBack() throws {
        let path = folder.path + "/y.npy"
        let writer = try NpyWriter(path: path, elementType: .int32, shape: [2, 2])
        try writer.append([1, -2] as [Int32])
        #expect(try folder.names().contains("y.npy") == false)
        try writer.append([3, 4] as [Int32])
        try writer.finish()
        let array = try NpyFile.open(path: path)
        #expect(array.values() == [1, -2, 3, 4])
        #expect(array.shape == [2, 2])
    }
}
