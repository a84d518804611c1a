import MIOBase
import MIOData
import TestFolders
import Testing

struct ElementTypeTests {
    private func values(_ descriptor: String, _ bytes: [UInt8], count: Int) throws -> [Float] {
        let folder = try TemporaryFolder()
        let header = Array("{'descr': '\(descriptor)', 'fortran_order': False, 'shape': (\(count),)}".utf8)
        let file = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.count), 0] + header + bytes
        return try NpyFile.open(path: folder.write("x.npy", file)).values()
    }

    @Test func everyHalfHasItsValue() throws {
        let bytes = (0...UInt16.max).flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
        let values = try values("<f2", bytes, count: 65536)
        #expect(values.count == 65536)
        let wrong = (0...UInt16.max).filter { half in
            let expected = Float(Float16(bitPattern: half))
            let value = values[Int(half)]
            return expected.isNaN ? !value.isNaN : value.bitPattern != expected.bitPattern
        }
        #expect(wrong == [])
    }

    @Test func signsAndLimitsAreKept() throws {
        #expect(try values("|i1", [0x80, 0xFF, 0x7F], count: 3) == [-128, -1, 127])
        #expect(try values("|u1", [0x80, 0xFF, 0x7F], count: 3) == [128, 255, 127])
        #expect(try values("<i8", [UInt8](repeating: 0xFF, count: 8), count: 1) == [-1])
        #expect(try values("<u8", [UInt8](repeating: 0xFF, count: 8), count: 1) == [0x1p64])
        // 2^24 + 1 lies between two floats.
        #expect(try values("<i4", [1, 0, 0, 1], count: 1) == [0x1p24])
        #expect(try values("?", [0, 1, 2], count: 3) == [0, 1, 1])
        // One byte has no order.
        #expect(try values(">u1", [7], count: 1) == [7])
    }

    @Test func descriptorsAreNumpys() {
        #expect(ElementType.float32.descriptor == "<f4")
        #expect(ElementType.uint8.descriptor == "|u1")
        #expect(ElementType.allCases.map(\.size) == [1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 4, 8])
    }
}
