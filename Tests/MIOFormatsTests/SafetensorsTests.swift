import Foundation
import MIOBase
import MIOFiles
import MIOFormats
import TestFolders
import Testing

@Suite struct SafetensorsTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func file(_ header: String, data: Int, declared: UInt64? = nil) throws -> String {
        let json = Array(header.utf8)
        let length = declared ?? UInt64(json.count)
        let bytes = withUnsafeBytes(of: length.littleEndian) { Array($0) } + json
        return try folder.write(bytes + [UInt8](repeating: 0, count: data), to: "a.safetensors")
    }

    /// The message of opening a file, without its path.
    private func refusal(_ header: String, data: Int, declared: UInt64? = nil) throws -> String {
        let path = try file(header, data: data, declared: declared)
        let error = #expect(throws: FormatError.self) { try SafetensorsFile(path) }
        #expect(error?.exitCode == .badInput)
        let text = error?.description ?? ""
        #expect(text.hasPrefix(path + ": "))
        return String(text.dropFirst(path.count + 2))
    }

    // MARK: Writing and reading back

    @Test func bytesAreThoseOfTheFormat() throws {
        let tensor = NamedTensor(name: "a", Tensor(shape: [2], values: [1, -2]))
        let digest = try SafetensorsWriter.write([tensor], metadata: ["k": "v"], to: folder.path("a"))
        let json =
            "{\"__metadata__\":{\"k\":\"v\"},\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}"
        let padding = (8 - json.utf8.count % 8) % 8
        let header = Array(json.utf8) + [UInt8](repeating: 32, count: padding)
        let expected =
            [UInt8(header.count), 0, 0, 0, 0, 0, 0, 0] + header
            + [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0]
        #expect(try folder.bytes(of: "a") == expected)
        #expect(digest == FileDigest(size: expected.count, checksum: CRC32.of(expected)))
        #expect(try FileDigest(ofFile: folder.path("a")) == digest)
        #expect(try folder.names() == ["a"])
    }

    @Test func equalTensorsGiveEqualBytes() throws {
        let tensors = [
            NamedTensor(name: "z/kernel", Tensor(shape: [2, 2], values: [1, 2, 3, 4])),
            NamedTensor(name: "a/bias", Tensor(shape: [1], values: [5])),
        ]
        let metadata = Dictionary(uniqueKeysWithValues: (0..<20).map { ("key\($0)", "\($0)") })
        try SafetensorsWriter.write(tensors, metadata: metadata, to: folder.path("1"))
        try SafetensorsWriter.write(tensors, metadata: metadata, to: folder.path("2"))
        #expect(try folder.bytes(of: "1") == folder.bytes(of: "2"))
    }

    @Test func valuesReadBackBitForBit() throws {
        let special: [Float] = [
            .nan, -.infinity, -0.0, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 0.1,
        ]
        let storage = Storage<Float>(count: 8)
        for index in 0..<8 { storage.pointer[index] = Float(index) }
        let path = folder.path("a")
        try SafetensorsWriter.write(
            [
                NamedTensor(name: "special", Tensor(shape: [2, 3], values: special)),
                NamedTensor(name: "scalar", Tensor(shape: [], values: [7])),
                NamedTensor(name: "empty", Tensor(shape: [3, 0], values: [])),
                NamedTensor(name: "dièse \"\\\n\u{1}😀", shape: [3], storage: storage, offset: 2),
            ], metadata: ["format": "mio", "ключ": "значение"], to: path)
        let file = try SafetensorsFile(path)
        #expect(file.names == ["special", "scalar", "empty", "dièse \"\\\n\u{1}😀"])
        #expect(file.metadata == ["format": "mio", "ключ": "значение"])
        let read = try file.tensor(named: "special")
        #expect(read.shape == [2, 3])
        #expect(read.values.map(\.bitPattern) == special.map(\.bitPattern))
        #expect(try file.tensor(named: "scalar") == Tensor(shape: [], values: [7]))
        #expect(try file.tensor(named: "empty") == Tensor(shape: [3, 0], values: []))
        #expect(try file.tensor(named: "dièse \"\\\n\u{1}😀").values == [2, 3, 4])
        let copy = Storage<Float>(count: 6)
        try file.read("special", shape: [2, 3], into: copy.buffer)
        #expect(copy.pointer[5] == 0.1)
        let error = #expect(throws: FormatError.self) {
            try file.read("special", shape: [3, 2], into: copy.buffer)
        }
        #expect(
            error?.description
                == "\(path): tensor \"special\": expected shape (3, 2), received shape (2, 3)")
    }

    @Test func aFileWithoutTensorsIsValid() throws {
        try SafetensorsWriter.write([], to: folder.path("none"))
        #expect(try SafetensorsFile(folder.path("none")).names == [])
    }

    @Test func unalignedDataIsRead() throws {
        let header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}} "
        #expect((8 + header.utf8.count) % 4 != 0)
        let path = try file(header, data: 4)
        #expect(try SafetensorsFile(path).tensor(named: "a").values == [0])
    }

    @Test func otherElementTypesAreListedButNotConverted() throws {
        let path = try file(
            """
            {"f":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},
             "i":{"data_offsets":[8,24],"shape":[2],"dtype":"I64"},
             "h":{"dtype":"BF16","shape":[1,3],"data_offsets":[24,30]}}
            """, data: 30)
        let file = try SafetensorsFile(path)
        #expect(file.entries.map(\.elementType) == [.float64, .int64, .bfloat16])
        #expect(file.entries.map(\.shape) == [[1], [2], [1, 3]])
        #expect(try file.withBytes(named: "i") { $0.count } == 16)
        let error = #expect(throws: FormatError.self) { try file.tensor(named: "i") }
        #expect(
            error?.description
                == "\(path): tensor \"i\": expected dtype F32, received I64; convert it to F32 where the file was made"
        )
    }

    @Test func missingTensorNamesTheNearest() throws {
        try SafetensorsWriter.write(
            [NamedTensor(name: "conv1/kernel", Tensor(zeros: [1]))], to: folder.path("a"))
        let file = try SafetensorsFile(folder.path("a"))
        let error = #expect(throws: FormatError.self) { try file.tensor(named: "conv/kernel") }
        #expect(
            error?.description
                == "\(folder.path("a")): tensor \"conv/kernel\": expected a tensor of this name, "
                + "received a file of 1 tensors without it; did you mean \"conv1/kernel\"?")
    }

    @Test func namesThatTheFormatCannotHoldAreRefused() throws {
        for names in [["a", "a"], ["__metadata__"]] {
            let tensors = names.map { NamedTensor(name: $0, Tensor(zeros: [1])) }
            let error = #expect(throws: FormatError.self) {
                try SafetensorsWriter.write(tensors, to: folder.path("a"))
            }
            #expect(error?.tensor == names.last)
        }
        #expect(try folder.names() == [])
    }

    // MARK: Bad files

    @Test func missingAndShortFiles() throws {
        let missing = #expect(throws: FileError.self) { try SafetensorsFile(folder.path("none")) }
        #expect(missing?.exitCode == .missingInput)
        #expect(missing?.description == "cannot read \(folder.path("none")): No such file or directory")
        for count in [0, 7] {
            let path = try folder.write([UInt8](repeating: 0, count: count), to: "short")
            let error = #expect(throws: FormatError.self) { try SafetensorsFile(path) }
            #expect(error?.received == "\(count) bytes")
        }
        let notAFile = #expect(throws: FileError.self) { try SafetensorsFile(folder.path) }
        #expect(notAFile?.exitCode == .badInput)
    }

    @Test func headerLengthIsBounded() throws {
        for length in [UInt64.max, 1 << 63, 100_000_001, 3] {
            #expect(
                try refusal("{}", data: 0, declared: length)
                    == "expected a header of at most 2 bytes, received a header length of \(length); "
                    + "the file is not safetensors, or is cut short")
        }
        #expect(
            try refusal("", data: 0)
                == "expected a safetensors header that starts with '{', received an empty header")
        #expect(
            try refusal(" {}", data: 0)
                == "expected a safetensors header that starts with '{', received the byte 32")
    }

    private func entry(_ name: String, _ shape: String, _ offsets: String, type: String = "F32") -> String {
        "\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}"
    }

    @Test func holesOverlapsAndExcessAreRefused() throws {
        #expect(
            try refusal("{" + entry("a", "[1]", "[0,4]") + "," + entry("b", "[1]", "[8,12]") + "}", data: 12)
                == "tensor \"b\": expected data that begins at offset 4, where the tensor before it ends, "
                + "received offset 8, a hole")
        #expect(
            try refusal("{" + entry("a", "[2]", "[0,8]") + "," + entry("b", "[1]", "[4,8]") + "}", data: 8)
                .hasSuffix("received offset 4, an overlap"))
        #expect(
            try refusal("{" + entry("a", "[1]", "[4,8]") + "}", data: 8)
                .hasSuffix("received offset 4, a hole"))
        #expect(
            try refusal("{" + entry("a", "[2]", "[0,8]") + "}", data: 5)
                == "tensor \"a\": expected data up to offset 8, received a file that ends at offset 5; "
                + "the file is cut short: copy or write it again")
        #expect(
            try refusal("{" + entry("a", "[2]", "[0,8]") + "}", data: 9)
                == "expected 8 bytes of tensors after the header, received 9 bytes; "
                + "bytes that belong to no tensor are not allowed")
    }

    @Test func duplicatesAreRefused() throws {
        #expect(
            try refusal("{" + entry("a", "[1]", "[0,4]") + "," + entry("a", "[1]", "[4,8]") + "}", data: 8)
                == "expected each name once, received \"a\" twice")
        #expect(
            try refusal("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", data: 0)
                == "expected each key of __metadata__ once, received \"k\" twice")
        #expect(
            try refusal("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"I64\"}}", data: 0)
                .hasSuffix("received the key \"dtype\""))
    }

    @Test func sizesMustAgreeWithoutOverflow() throws {
        #expect(
            try refusal("{" + entry("a", "[3]", "[0,8]") + "}", data: 8)
                == "expected 12 bytes for F32 × (3,) of the tensor \"a\", received data_offsets [0, 8], which is 8"
        )
        #expect(
            try refusal("{" + entry("a", "[4294967296,4294967296]", "[0,0]") + "}", data: 0)
                == "expected a size below 2^63 bytes of the tensor \"a\", "
                + "received shape (4294967296, 4294967296)")
        #expect(
            try refusal("{" + entry("a", "[9223372036854775808]", "[0,0]") + "}", data: 0)
                .hasPrefix("expected an integer below 2^63, received a larger one at byte "))
        #expect(
            try refusal("{" + entry("a", "[1]", "[8,4]") + "}", data: 8)
                .hasPrefix("expected data_offsets [begin, end] with begin ≤ end in the tensor \"a\""))
        #expect(
            try refusal("{" + entry("a", "[1]", "[0,4]", type: "F31") + "}", data: 4)
                .hasSuffix("in the tensor \"a\", received \"F31\""))
    }

    @Test(arguments: [
        "{", "{\"a\"}", "{\"a\":1}", "{}{}", "{}x", "{\"a\":{}}", "{\"a\":[", "{,}", "{\"a",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[01],\"data_offsets\":[0,4]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"more\":1}}",
        "{\"__metadata__\":{\"k\":1}}", "{\"\\q\":1}", "{\"\\ud800\":1}", "{\"\\u12g4\":1}", "{\"\u{1}\":1}",
    ])
    func brokenJSONIsRefused(header: String) throws {
        #expect(try refusal(header, data: 4).contains("expected "))
    }

    @Test func stringsMustBeUnicode() throws {
        let json = Array("{\"".utf8) + [0xFF] + Array("\":1}".utf8)
        let path = try folder.write([UInt8(json.count), 0, 0, 0, 0, 0, 0, 0] + json, to: "a")
        let error = #expect(throws: FormatError.self) { try SafetensorsFile(path) }
        #expect(error?.expected == "a string in UTF-8")
    }

    @Test func everyTruncationIsRefused() throws {
        try SafetensorsWriter.write(
            [NamedTensor(name: "a", Tensor(shape: [2], values: [1, 2]))], to: folder.path("whole"))
        let bytes = try folder.bytes(of: "whole")
        for count in 0..<bytes.count {
            let path = try folder.write(Array(bytes[..<count]), to: "cut")
            #expect(throws: FormatError.self) { try SafetensorsFile(path) }
        }
    }
}
