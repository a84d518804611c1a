import Foundation
import MIOBase
import MIOData
import TestFolders
import Testing

struct NpzFileTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func open(_ bytes: [UInt8]) throws -> NpzFile { try NpzFile(path: folder.write("x.npz", bytes)) }

    private func image(_ bytes: [UInt8]) throws -> DataArray? {
        try open(bytes).array(named: "image", scratch: ScratchStore())
    }

    @Test func storedAndDeflatedArraysAreRead() throws {
        for bytes in [Fixtures.stored, Fixtures.deflated] {
            let file = try open(bytes)
            #expect(file.arrayNames == ["image", "kind", "kind_weight"])
            for scratch in [ScratchStore(), ScratchStore(memoryBound: 0, folder: folder.path)] {
                let arrays = try file.arrayNames.map {
                    try #require(try file.array(named: $0, scratch: scratch))
                }
                #expect(arrays.map { $0.values() } == [imageValues, [2, 0, 1], [1, 0.5, 2]])
                #expect(arrays.map(\.shape) == [[3, 2], [3], [3]])
                #expect(arrays.map(\.elementType) == [.float32, .int64, .float64])
                for array in arrays { try array.verify() }
            }
            #expect(try file.array(named: "box", scratch: ScratchStore()) == nil)
        }
        // Temporary files have no name.
        #expect(try folder.names() == ["x.npz"])
    }

    @Test func zip64IsRead() throws {
        let file = try open(Fixtures.zip64)
        #expect(file.arrayNames == ["image", "kind"])
        #expect(try image(Fixtures.zip64)?.values() == imageValues)
    }

    @Test func everyElementTypeBecomesItsValue() throws {
        let file = try open(Fixtures.types)
        #expect(file.arrayNames.count == ElementType.allCases.count)
        for type in ElementType.allCases {
            let array = try #require(try file.array(named: type.rawValue, scratch: ScratchStore()))
            #expect(array.elementType == type)
            #expect(array.values() == (type == .bool ? [0, 1, 1] : [0, 1, 100]), "\(type)")
        }
    }

    @Test func truncationIsAnError() throws {
        for count in 1..<Fixtures.stored.count {
            let kind = dataError { try open(Array(Fixtures.stored.prefix(count))) }?.kind
            #expect(kind == .truncated, "\(count) bytes")
        }
        let error = dataError { try open(Array(Fixtures.stored.prefix(500))) }
        #expect(error?.message.contains("is cut short after 500 bytes") == true)
        #expect(dataError { try open([]) }?.kind == .empty)
        #expect(dataError { try open(Array("no archive".utf8)) }?.kind == .wrongMagic)
        #expect(dataError { try NpzFile(path: folder.path + "/none.npz") }?.exitCode == .missingInput)
    }

    /// Whatever a byte is changed to, the answer is an error or an array, never a trap.
    @Test func everyDamagedByteIsSurvived() throws {
        for fixture in [Fixtures.stored, Fixtures.deflated, Fixtures.zip64] {
            let path = try folder.write("damaged.npz", fixture)
            let handle = try #require(FileHandle(forUpdatingAtPath: path))
            func set(_ index: Int, _ value: UInt8) throws {
                try handle.seek(toOffset: UInt64(index))
                try handle.write(contentsOf: [value])
            }
            for index in fixture.indices {
                defer { #expect(throws: Never.self) { try set(index, fixture[index]) } }
                for value: UInt8 in [0x00, 0xFF, fixture[index] ^ 0x01, fixture[index] ^ 0x80] {
                    try set(index, value)
                    do {
                        let file = try NpzFile(path: path)
                        for name in file.arrayNames {
                            let array = try file.array(named: name, scratch: ScratchStore())
                            _ = array?.values()
                            try array?.verify()
                        }
                    } catch let error as DataError {
                        #expect(!error.message.isEmpty)
                    }
                }
            }
        }
    }

    @Test func damagedContentIsFound() throws {
        var stored = Fixtures.stored
        let last = try #require(firstIndex(of: [0, 0, 0xB0, 0x40], in: stored))  // 5.5
        stored[last + 2] ^= 1
        let array = try #require(try image(stored))
        let storedError = dataError { try array.verify() }
        #expect(storedError?.kind == .corrupt)
        #expect(storedError?.place.hasSuffix("x.npz: array \"image\"") == true)
        #expect(storedError?.message.contains("its checksum is") == true)

        var deflated = Fixtures.deflated
        let checksum = try #require(try image(deflated)?.checksum)
        let directory = try #require(
            firstIndex(
                of: (0..<4).map { UInt8(truncatingIfNeeded: checksum >> ($0 * 8)) }, in: deflated, last: 3))
        deflated[directory] ^= 1
        #expect(dataError { try image(deflated) }?.kind == .corrupt)
    }

    @Test func aSizeThatCannotBeIsRefusedBeforeMemoryIsTaken() throws {
        // The uncompressed size in the directory becomes 4 GiB - 2.
        var bytes = Fixtures.deflated
        let entry = try #require(firstIndex(of: [0x50, 0x4B, 1, 2], in: bytes))
        bytes.replaceSubrange(entry + 24..<entry + 28, with: [0xFE, 0xFF, 0xFF, 0xFF])
        let error = dataError { try image(bytes) }
        #expect(error?.kind == .badHeader)
        #expect(error?.message.contains("claims 4294967294 bytes from") == true)
        bytes.replaceSubrange(entry + 24..<entry + 28, with: [153, 0, 0, 0])
        #expect(dataError { try image(bytes) }?.message.contains("the archive claims 153") == true)
        bytes.replaceSubrange(entry + 24..<entry + 28, with: [151, 0, 0, 0])
        #expect(dataError { try image(bytes) }?.message.contains("the 151 bytes") == true)
    }

    /// Of a megabyte of zeros that deflates a thousandfold, the first bytes are no array.
    @Test func whatIsNoArrayIsRefusedBeforeItIsExpanded() throws {
        let error = dataError { try image(Fixtures.zeros) }
        #expect(error?.kind == .wrongMagic)
        #if os(Linux)
            // A file system without room, whatever the machine.
            let scratch = ScratchStore(memoryBound: 0, folder: "/proc")
            let full = #expect(throws: FileError.self) {
                _ = try open(Fixtures.deflated).array(named: "image", scratch: scratch)
            }
            #expect(
                full?.description.contains("it takes 152 bytes, and /proc has 0 free; set TMPDIR") == true)
        #endif
    }

    @Test func otherCompressionsAndDuplicatesAreRefused() throws {
        let compressed = dataError { try image(Fixtures.bzip2) }
        #expect(compressed?.kind == .unsupported)
        #expect(compressed?.message.hasPrefix("compression method 12 (bzip2); stored and deflated") == true)
        let duplicate = dataError { try open(Fixtures.duplicate) }
        #expect(duplicate?.kind == .duplicate)
        #expect(duplicate?.message == "two members are named \"image.npy\"")
    }

    @Test func aHeaderInsideThatLiesIsAnError() throws {
        let error = dataError { try image(Fixtures.stored.replacing("(3, 2)", with: "(7, 2)")) }
        #expect(error?.kind == .truncated)
        #expect(error?.message.contains("shape (7, 2) of f4, 56 bytes, but only 24 follow") == true)
    }

    private func firstIndex(of pattern: [UInt8], in bytes: [UInt8], last skip: Int = 0) -> Int? {
        let found = (0...(bytes.count - pattern.count)).filter {
            Array(bytes[$0..<$0 + pattern.count]) == pattern
        }
        return skip == 0 ? found.first : found.last
    }
}
