import MIOBase
import MIOBatches
import MIOData
import TestFolders
import Testing

struct DatasetErrorTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func error(
        _ columns: [ColumnRequest], files: [String] = ["*.npz"], map: [String: DatasetRequest.Source] = [:]
    ) -> DataError? {
        dataError {
            try Dataset(DatasetRequest(files: files, columns: map, folder: folder.path), columns: columns)
        }
    }

    @Test func aGlobWithoutAMatchIsNamed() throws {
        let error = error([], files: ["train-*.npz"])
        #expect(error?.kind == .missing)
        #expect(error?.exitCode == .missingInput)
        #expect(
            error?.description
                == "train-*.npz: no file in \(folder.path) matches this glob; correct data.files or make the "
                + "shards first")
        #expect(self.error([], files: ["a.npz"])?.message.hasPrefix("no such file in") == true)
        #expect(self.error([], files: [])?.kind == .missing)
    }

    @Test func aMissingArrayIsNamedWithTheNearest() throws {
        try folder.writeArrays("a.npz", ["imag": ([1, 2], [1, 2]), "kind": ([1], [0])])
        let error = error([ColumnRequest(name: "image", shape: [2])])
        #expect(error?.kind == .missingArray)
        #expect(
            error?.description
                == "\(folder.path)/a.npz: no array \"image\"; the nearest is \"imag\"; it holds imag, kind. Another "
                + "name is given by data.columns: {image: NAME}")
        let listed = self.error(
            [ColumnRequest(name: "image", shape: [2])], map: ["image": .columns(["a", "b"])])
        #expect(listed?.message.contains("which only CSV files can have") == true)
    }

    @Test func aWrongShapeIsAnError() throws {
        try folder.writeArrays(
            "a.npz", ["image": ([2, 4], [Float](repeating: 0, count: 8)), "one": ([], [1])])
        let shape = error([ColumnRequest(name: "image", shape: [2, 2, 1])])
        #expect(shape?.kind == .wrongShape)
        #expect(
            shape?.description
                == "\(folder.path)/a.npz: array \"image\": samples of shape (4,), (2, 2, 1) expected; if the "
                + "elements are in this order, image.reshape(-1, 2, 2, 1)")
        let oneHot = error([ColumnRequest(name: "image", shape: [1], kind: .classIndex)])
        #expect(oneHot?.message.contains("one-hot targets go with categorical_crossentropy") == true)
        #expect(
            error([ColumnRequest(name: "image", shape: [2, 2], kind: .classIndex)])?.message
                == "samples of shape (4,), (2, 2) expected; if the elements are in this order, "
                + "image.reshape(-1, 2, 2)")
        #expect(error([ColumnRequest(name: "one", shape: [])])?.message.contains("a lone number") == true)
    }

    /// An array that `columns` names is called as in the file, also where the file has another of the job's name.
    @Test func anArrayOfAnotherNameIsNamedAsInTheFile() throws {
        try folder.writeArrays("a.npz", ["image": ([1, 2], [1, 2]), "picture": ([1, 3], [1, 2, 3])])
        #expect(
            error([ColumnRequest(name: "image", shape: [2])], map: ["image": .name("picture")])?.description
                .hasPrefix("\(folder.path)/a.npz: array \"picture\": samples of shape (3,), (2,) expected")
                == true)
    }

    /// Arrays that do not fit are refused by their headers, before anything is decompressed.
    @Test func headersComeBeforeContents() throws {
        // The content of image is not what its checksum says.
        let checksum: [UInt8] = [0x74, 0x69, 0x05, 0x5C]
        var bytes = Fixtures.deflated
        for start in bytes.indices.dropLast(4) where bytes[start..<start + 4].elementsEqual(checksum) {
            bytes[start] ^= 1
        }
        try folder.write("a.npz", bytes)
        let image = ColumnRequest(name: "image", shape: [2])
        #expect(error([image])?.kind == .corrupt)
        #expect(error([image, ColumnRequest(name: "kind", shape: [5])])?.kind == .wrongShape)
        #expect(error([image, ColumnRequest(name: "box", shape: [5])])?.kind == .missingArray)
    }

    /// The most frequent mistake, in both directions and for masks too; where the shape is another one nothing is guessed.
    @Test func classNumbersAndOneHotRowsAreToldApart() throws {
        func zeros(_ shape: Shape) -> (Shape, [Float]) {
            (shape, [Float](repeating: 0, count: shape.count))
        }
        try folder.writeArrays(
            "a.npz",
            [
                "numbers": zeros([2]), "column": zeros([2, 1]), "oneHot": zeros([2, 3]),
                "maskNumbers": zeros([2, 4, 5]), "mask": zeros([2, 4, 5, 3]),
            ])
        func message(_ name: String, _ shape: Shape, _ kind: ColumnRequest.Kind) -> String {
            error([ColumnRequest(name: name, shape: shape, kind: kind)])?.message ?? ""
        }
        let sparse = ", a share for each class; class numbers go with sparse_categorical_crossentropy"
        let dense = ", a class number each; one-hot targets go with categorical_crossentropy"
        #expect(
            message("numbers", [3], .classShares) == "samples of shape (), (3,) expected"
                + sparse)
        #expect(message("column", [3], .classShares).hasSuffix(sparse))
        #expect(message("maskNumbers", [4, 5, 3], .classShares).hasSuffix(sparse))
        #expect(
            message("numbers", [3], .answers)
                == "samples of shape (), (3,) expected, a 0 or 1 for each; class numbers go with "
                + "sparse_categorical_crossentropy")
        #expect(message("numbers", [3], .real) == "samples of shape (), (3,) expected")
        #expect(message("oneHot", [], .classIndex).hasSuffix(dense))
        #expect(message("mask", [4, 5], .classIndex).hasSuffix(dense))
        #expect(
            message("oneHot", [4], .classShares) == "samples of shape (3,), (4,) expected")
        #expect(message("numbers", [4, 5], .classIndex).hasSuffix("samples of shape (), (4, 5) expected"))
    }

    @Test func samplesMayHaveALastAxisOfOneOrNot() throws {
        try folder.writeArrays(
            "a.npz",
            [
                "flat": ([2], [1, 2]), "column": ([2, 1], [1, 2]),
                "mask": ([2, 2, 2, 1], [Float](repeating: 0, count: 8)),
            ])
        let columns =
            ["flat", "column"].flatMap { name in
                [Shape([]), [1]].map { ColumnRequest(name: name, shape: $0) }
            } + [
                ColumnRequest(name: "mask", shape: [2, 2], kind: .classIndex),
                ColumnRequest(name: "mask", shape: [2, 2, 1]),
            ]
        let dataset = try Dataset(DatasetRequest(files: ["a.npz"], folder: folder.path), columns: columns)
        #expect(dataset.rowCount == 2)
        #expect(error([ColumnRequest(name: "flat", shape: [1, 1])])?.kind == .wrongShape)
        #expect(error([ColumnRequest(name: "mask", shape: [2])])?.kind == .wrongShape)
    }

    @Test func arraysOfOneShardMustAgree() throws {
        try folder.writeArrays("a.npz", ["x": ([2], [1, 2]), "y": ([3], [1, 2, 3])])
        let error = error([ColumnRequest(name: "x", shape: []), ColumnRequest(name: "y", shape: [])])
        #expect(error?.kind == .unequalCounts)
        #expect(error?.message.hasPrefix("3 rows, but array \"x\" has 2") == true)
        #expect(error?.place == "\(folder.path)/a.npz: array \"y\"")
    }

    @Test func filesOfArraysMustAgree() throws {
        for name in ["x-0", "x-1", "y-0"] {
            let writer = try NpyWriter(path: "\(folder.path)/\(name).npy", elementType: .float32, shape: [1])
            try writer.append([1] as [Float])
            try writer.finish()
        }
        let columns = [ColumnRequest(name: "x", shape: []), ColumnRequest(name: "y", shape: [])]
        let uneven = dataError {
            try Dataset(
                DatasetRequest(arrays: ["x": ["x-*.npy"], "y": ["y-*.npy"]], folder: folder.path),
                columns: columns)
        }
        #expect(uneven?.kind == .unequalCounts)
        #expect(uneven?.message.hasPrefix("2 files of array \"x\", but 1 of \"y\"") == true)
        let missing = dataError {
            try Dataset(
                DatasetRequest(arrays: ["x": ["x-0.npy"], "labels": ["y-0.npy"]], folder: folder.path),
                columns: [columns[0], ColumnRequest(name: "label", shape: [])])
        }
        #expect(missing?.message == "data.files names no files of array \"label\"; the nearest is \"labels\"")
        #expect(error(columns, files: ["x-0.npy"])?.message.contains("does not name its array") == true)
    }

    @Test func emptyDataIsAnError() throws {
        try folder.writeArrays("a.npz", ["x": ([0], [])])
        let error = error([ColumnRequest(name: "x", shape: [])])
        #expect(error?.kind == .empty)
        #expect(error?.message == "no row is in this shard")
        try folder.write("b.npz", [])
        #expect(
            self.error([ColumnRequest(name: "x", shape: [])])?.description
                == "\(folder.path)/b.npz: the file is empty (0 bytes)")
    }

    @Test func otherFormatsAreRefused() throws {
        try folder.write("a.parquet", "x")
        let error = error([], files: ["a.parquet"])
        #expect(error?.kind == .unsupported)
        #expect(error?.message == "the name must end in .npz, .npy or .csv, by its format")
    }
}
