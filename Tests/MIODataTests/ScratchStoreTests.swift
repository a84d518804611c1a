import MIOBase
import MIOData
import TestFolders
import Testing

struct ScratchStoreTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    @Test func manyArraysShareTemporaryFilesAndOutliveTheStore() throws {
        var arrays: [DataArray] = []
        do {
            // Room in memory for the first members only.
            let scratch = ScratchStore(memoryBound: 400, folder: folder.path)
            for index in 0..<50 {
                let path = try folder.write("\(index).npz", Fixtures.deflated)
                arrays.append(try #require(try NpzFile(path: path).array(named: "image", scratch: scratch)))
            }
        }
        #expect(arrays.allSatisfy { $0.values() == imageValues })
        #expect(try folder.names().allSatisfy { $0.hasSuffix(".npz") })
    }

    @Test func aFolderThatIsNotThereIsNamed() throws {
        let path = try folder.write("x.npz", Fixtures.deflated)
        let scratch = ScratchStore(memoryBound: 0, folder: folder.path + "/none")
        let error = #expect(throws: FileError.self) {
            _ = try NpzFile(path: path).array(named: "image", scratch: scratch)
        }
        #expect(error?.description.contains("set TMPDIR to a folder with room") == true)
        #expect(error?.exitCode == .inputOutput)
    }
}
