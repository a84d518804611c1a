import MIOBase
import Testing

@Suite struct LittleEndianTests {
    @Test func bytesOfIntegers() {
        #expect((0x0102 as UInt16).littleEndianBytes == [2, 1])
        #expect((-2 as Int32).littleEndianBytes == [0xFE, 0xFF, 0xFF, 0xFF])
        #expect(UInt64(0x0102_0304_0506_0708).littleEndianBytes == [8, 7, 6, 5, 4, 3, 2, 1])
        #expect(Float(1).bitPattern.littleEndianBytes == [0, 0, 0x80, 0x3F])
    }

    @Test(arguments: [0, 1, 255, 256, 0x8000_0000_0000_0000, .max] as [UInt64])
    func integersOfBytes(value: UInt64) {
        #expect(UInt64(littleEndianBytes: value.littleEndianBytes) == value)
        #expect(Int64(littleEndianBytes: value.littleEndianBytes) == Int64(bitPattern: value))
        // A slice whose indices do not begin at 0.
        #expect(UInt64(littleEndianBytes: ([9] + value.littleEndianBytes)[1...]) == value)
    }

    @Test func appending() {
        var bytes: [UInt8] = [7]
        bytes.append(littleEndian: 0x0403_4B50 as UInt32)
        bytes.append(littleEndian: 1 as UInt16)
        #expect(bytes == [7, 0x50, 0x4B, 3, 4, 1, 0])
    }

    @Test func words() {
        let words: [UInt64] = [1, Double(-0.0).bitPattern, .max]
        let bytes = [UInt8](littleEndian: words)
        #expect(bytes == words.flatMap(\.littleEndianBytes))
        #expect(bytes.littleEndianWords == words)
        #expect([UInt8](littleEndian: []).littleEndianWords.isEmpty)
    }

    @Test func atAnyAlignment() {
        let bytes: [UInt8] = [0xAA, 1, 2, 3, 4, 5, 6, 7, 8, 0xBB]
        bytes.withUnsafeBytes { buffer in
            #expect(buffer.littleEndian(at: 1, as: UInt16.self) == 0x0201)
            #expect(buffer.littleEndian(at: 1, as: UInt64.self) == 0x0807_0605_0403_0201)
            #expect(buffer.littleEndian(at: 6, as: UInt32.self) == 0xBB08_0706)
            #expect(buffer.littleEndian(at: 9, as: UInt8.self) == 0xBB)
        }
    }
}
