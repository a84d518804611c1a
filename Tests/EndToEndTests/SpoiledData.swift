import Foundation
import MIOFiles
import Testing

extension TrainingFolder {
    /// Writes a number into a row of a shard's `input`, of 100 elements, and corrects the archive's checksum.
    func spoil(_ file: String, row: Int, with value: Float = .nan) throws {
        var bytes = try read(file)
        // The array `input` is the archive's first member: its local header, then its bytes up to the next one's.
        func number(_ start: Int, _ count: Int) -> Int {
            (0..<count).reduce(0) { $0 | Int(bytes[start + $1]) << (8 * $1) }
        }
        let start = 30 + number(26, 2) + number(28, 2)
        let next = try #require(
            (start..<bytes.count - 4).first { Array(bytes[$0..<$0 + 4]) == [0x50, 0x4B, 3, 4] })
        let before = CRC32.of(Array(bytes[start..<next]))
        #expect(number(14, 4) == Int(before))
        // Rows of 100 floats follow the array's header.
        let header = try #require(bytes.firstIndex(of: UInt8(ascii: "\n")))
        put(value.bitPattern, at: header + 1 + (row * 100 + 42) * 4, in: &bytes)
        let after = CRC32.of(Array(bytes[start..<next]))
        // In the local header and in the archive's directory.
        var places = 0
        for place in Array(0..<start) + Array(next..<bytes.count - 4) where number(place, 4) == Int(before) {
            put(after, at: place, in: &bytes)
            places += 1
        }
        #expect(places == 2)
        try replace(file, with: bytes)
    }

    private func put(_ word: UInt32, at place: Int, in bytes: inout [UInt8]) {
        for index in 0..<4 { bytes[place + index] = UInt8(truncatingIfNeeded: word >> (8 * index)) }
    }
}
