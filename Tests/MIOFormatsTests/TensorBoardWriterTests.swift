import Foundation
import MIOFiles
import MIOFormats
import TestFolders
import Testing

@Suite struct TensorBoardWriterTests {
    /// The data of each record, its two checksums verified.
    private func records(_ bytes: [UInt8]) -> [[UInt8]] {
        func word(_ start: Int, _ count: Int) -> UInt64 {
            bytes[start..<start + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        var records: [[UInt8]] = []
        var position = 0
        while position < bytes.count {
            let length = Int(word(position, 8))
            #expect(word(position + 8, 4) == UInt64(CRC32C.masked(bytes[position..<position + 8])))
            let data = Array(bytes[position + 12..<position + 12 + length])
            #expect(word(position + 12 + length, 4) == UInt64(CRC32C.masked(data)))
            records.append(data)
            position += 16 + length
        }
        #expect(position == bytes.count)
        return records
    }

    @Test func recordsAreThoseOfTheFormat() throws {
        let folder = try TemporaryFolder()
        var writer = try TensorBoardWriter(folder: folder.path, time: 1.5)
        let name = try #require(try folder.names().first)
        #expect(name.wholeMatch(of: /events\.out\.tfevents\.1\..+\.[0-9]+/) != nil)
        #expect(name.hasSuffix(".\(getpid())"))
        try writer.write(step: 300, [("loss", 0.5), ("b", -.infinity)], time: 2)
        try writer.writeRestart(step: 7, time: 2)
        try writer.flush()
        try writer.close()

        let records = records(try folder.bytes(of: name))
        let time15: [UInt8] = [0x09, 0, 0, 0, 0, 0, 0, 0xF8, 0x3F]
        let time2: [UInt8] = [0x09, 0, 0, 0, 0, 0, 0, 0, 0x40]
        #expect(records.count == 3)
        #expect(records[0] == time15 + [0x1A, 13] + Array("brain.Event:2".utf8))
        let loss: [UInt8] = [0x0A, 4] + Array("loss".utf8) + [0x15, 0, 0, 0, 0x3F]
        let b: [UInt8] = [0x0A, 1] + Array("b".utf8) + [0x15, 0, 0, 0x80, 0xFF]
        let summary = [0x0A, UInt8(loss.count)] + loss + [0x0A, UInt8(b.count)] + b
        #expect(records[1] == time2 + [0x10, 0xAC, 0x02, 0x2A, UInt8(summary.count)] + summary)
        #expect(records[2] == time2 + [0x10, 7, 0x3A, 2, 0x08, 1])
    }

    @Test func openingAgainAppends() throws {
        let folder = try TemporaryFolder()
        for step in 1...2 {
            var writer = try TensorBoardWriter(folder: folder.path, time: 10)
            try writer.write(step: step, [("loss", 1)], time: 11)
            try writer.close()
        }
        let names = try folder.names()
        #expect(names.count == 1)
        #expect(records(try folder.bytes(of: names[0])).count == 3)
    }
}
