import MIOFiles
import Testing

@Suite struct ChecksumTests {
    @Test func knownChecksums() {
        #expect(CRC32C.of(Array("123456789".utf8)) == 0xE306_9283)
        // RFC 3720, appendix B.4.
        #expect(CRC32C.of([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(CRC32C.of([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(CRC32C.of((0..<32).map(UInt8.init)) == 0x46DD_794E)
        // 0xE3069283 rotated right by 15 is 0x2507C60D; plus 0xA282EAD8.
        #expect(CRC32C.masked(Array("123456789".utf8)) == 0xC78A_B0E5)
        #expect(CRC32.of(Array("123456789".utf8)) == 0xCBF4_3926)
    }

    @Test func piecesGiveTheChecksumOfTheWhole() {
        var checksum = CRC32()
        #expect(checksum.value == 0)
        for piece in ["1234", "", "56789"] { Array(piece.utf8).withUnsafeBytes { checksum.update($0) } }
        #expect(checksum.value == 0xCBF4_3926)
    }
}
