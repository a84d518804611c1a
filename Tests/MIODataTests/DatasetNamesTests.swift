import Foundation
import MIOBase
import MIOBatches
import MIOData
import TestFolders
import Testing

/// Whatever a job names is there, or an error says what is; what is left out is told.
struct DatasetNamesTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private let requests = [
        ColumnRequest(name: "x", shape: []), ColumnRequest(name: "kind", shape: [], role: .target),
        .weight(ofOutput: "kind"),
    ]

    private func specification(
        _ files: String..., columns: [String: DatasetRequest.Source] = [:]
    ) -> DatasetRequest {
        var specification = DatasetRequest(files: files, columns: columns, folder: folder.path)
        specification.section = "data.train"
        specification.filesKey = "data.train.files"
        return specification
    }

    private func values(_ dataset: Dataset, column: Int) -> [Float] {
        (0..<dataset.rowCount).map { row in
            var value: Float = 0
            dataset.read(row: row, column: column, into: &value)
            return value
        }
    }

    // MARK: Sample weights

    @Test func weightsThatTheJobNamesMustBeThere() throws {
        try folder.writeArrays(
            "a.npz", ["x": ([2], [1, 2]), "kind": ([2], [0, 1]), "importance": ([2], [3, 4])])
        try folder.write("a.csv", "x,kind,importance\n1,0,3\n")
        for file in ["a.npz", "a.csv"] {
            let error = dataError {
                try Dataset(
                    specification(file, columns: ["kind_weight": .name("importanse")]), columns: requests)
            }
            #expect(
                error?.description
                    == "\(folder.path)/\(file): no array \"importanse\"; the nearest is \"importance\"; it holds x, kind, "
                    + "importance. data.train.columns.kind_weight names it")
            #expect(error?.exitCode == .badInput)
            let found = try Dataset(
                specification(file, columns: ["kind_weight": .name("importance")]), columns: requests)
            #expect(values(found, column: 2).first == 3)
        }
        // In some shards only.
        try folder.writeArrays("b.npz", ["x": ([1], [1]), "kind": ([1], [0])])
        let some = dataError {
            try Dataset(
                specification("*.npz", columns: ["kind_weight": .name("importance")]), columns: requests)
        }
        #expect(some?.place == "\(folder.path)/b.npz")
        var inherited = specification("b.npz", columns: ["kind_weight": .name("importance")])
        inherited.section = "data.validation"
        inherited.inheritsColumns = true
        #expect(
            dataError { try Dataset(inherited, columns: requests) }?.message.hasSuffix(
                "data.validation.columns.kind_weight names it, as data.train.columns has it: data.validation may have "
                    + "columns of its own") == true)
    }

    @Test func weightsInSomeShardsOnlyAreCounted() throws {
        try folder.writeArrays("a.npz", ["x": ([3], [1, 2, 3]), "kind": ([3], [0, 1, 0])])
        try folder.writeArrays("b.npz", ["x": ([1], [4]), "kind": ([1], [0]), "kind_weight": ([1], [3])])
        let dataset = try Dataset(specification("*.npz"), columns: requests)
        #expect(
            dataset.warnings == [
                "data.train: 1 of 2 shards have no sample weights \"kind_weight\", the first is \(folder.path)/a.npz: 3 of 4 "
                    + "samples weigh 1"
            ])
        var all: [Float] = []
        dataset.scan(column: 2) { all += $1 }
        #expect(all == [1, 1, 1, 3])
        #expect(try Dataset(specification("a.npz"), columns: requests).warnings == [])
        #expect(try Dataset(specification("b.npz"), columns: requests).warnings == [])
    }

    // MARK: Targets

    @Test func targetsMayBeMissingIfTheJobSaysSo() throws {
        try folder.writeArrays("a.npz", ["x": ([2], [1, 2])])
        try folder.write("b.csv", "x,species\n3,1\n")
        let columns: [String: DatasetRequest.Source] = ["kind": .name("species")]
        let refused = dataError {
            try Dataset(specification("a.npz", "b.csv", columns: columns), columns: requests)
        }
        #expect(refused?.kind == .missingArray)
        #expect(
            refused?.message.hasSuffix(
                "with data.train.missing_targets: unlabelled its samples have no label") == true)
        var lenient = specification("a.npz", "b.csv", columns: columns)
        lenient.targetsMayBeMissing = true
        let dataset = try Dataset(lenient, columns: requests)
        #expect(values(dataset, column: 1).map(\.isNaN) == [true, true, false])
        var scanned: [Float] = []
        dataset.scan(column: 1) { scanned += $1 }
        #expect(scanned.map(\.isNaN) == [true, true, false])
        // An input must be there; a name that is in no shard is misspelt.
        let input = dataError {
            try Dataset(lenient, columns: [ColumnRequest(name: "y", shape: []), requests[1]])
        }
        #expect(input?.message.hasPrefix("no array \"y\"") == true)
        lenient.columns = ["kind": .name("spezies")]
        #expect(
            dataError { try Dataset(lenient, columns: requests) }?.description
                == "data.train: none of its 2 shards has an array \"spezies\", which columns.kind names")
    }

    // MARK: Files

    @Test func aFileThatIsNamedTwiceIsTold() throws {
        for name in ["a", "b"] {
            try folder.writeArrays("\(name).npz", ["x": ([1], [1]), "kind": ([1], [0])])
        }
        let dataset = try Dataset(specification("a.npz", "./*.npz"), columns: requests)
        #expect(dataset.rowCount == 2)
        #expect(
            dataset.warnings == ["data.train: \(folder.path)/./a.npz is named twice; it is read once"])
        // An option is named in its own words.
        var option = specification("a.npz", "a.npz")
        option.filesKey = "--data"
        #expect(
            try Dataset(option, columns: requests).warnings == [
                "--data: \(folder.path)/a.npz is named twice; it is read once"
            ])
        let missing = dataError { try Dataset(specification("a.npz", "c-*.npz"), columns: requests) }
        #expect(
            missing?.description
                == "c-*.npz: no file in \(folder.path) matches this glob; correct data.train.files or make the shards "
                + "first")
    }

    /// As a shell does: what matches nothing is taken as it is written.
    @Test func aNameThatLooksLikeAGlobIsFound() throws {
        try folder.writeArrays("d[1].npz", ["x": ([1], [7]), "kind": ([1], [0])])
        try folder.writeArrays("e?.npz", ["x": ([1], [8]), "kind": ([1], [0])])
        for (name, value) in [("d[1].npz", Float(7)), ("d\\[1].npz", 7), ("e?.npz", 8)] {
            #expect(values(try Dataset(specification(name), columns: requests), column: 0) == [value])
        }
        try folder.writeArrays("d1.npz", ["x": ([1], [9]), "kind": ([1], [0])])
        #expect(values(try Dataset(specification("d[1].npz"), columns: requests), column: 0) == [9])
        #expect(try specification("d[1].npz", "e*").shards().count == 2)
    }

    // MARK: Places

    @Test func rowsOfTablesHaveLines() throws {
        try folder.write(
            "d.csv", "x,kind,note\n" + (0..<5).map { "\($0),0,\"two\nlines\"\n" }.joined() + "\n,,\n9,1,end\n"
        )
        let dataset = try Dataset(specification("d.csv"), columns: requests)
        #expect(dataset.rowCount == 6)
        #expect(dataset.location(ofRow: 0).description == "\(folder.path)/d.csv:2 (row 0)")
        #expect(dataset.location(ofRow: 3, column: 1).description == "\(folder.path)/d.csv:8 (row 3)")
        #expect(dataset.location(ofRow: 5).description == "\(folder.path)/d.csv:14 (row 5)")
        #expect(
            dataset.warnings == [
                "data.train: \(folder.path)/d.csv: 1 row is skipped: every field is empty"
            ])
    }

    // MARK: Checksums

    /// The shares of any number of ranks are all bytes, and find a bit that flipped anywhere.
    @Test(arguments: 1...5) func aFlippedBitIsFoundByShares(count: Int) throws {
        let path = try folder.writeArrays(
            "a.npz",
            [
                "x": ([50], [Float](repeating: 1.5, count: 50)),
                "kind": ([50], [Float](repeating: 2, count: 50)),
            ])
        func verify() throws {
            let dataset = try Dataset(specification("a.npz"), columns: requests)
            let shares = (0..<count).map { dataset.checksums(ofShare: $0, of: count) }
            #expect(shares.joined().reduce(0) { $0 + $1.length } == 2 * (128 + 200))
            try dataset.verify(shares)
        }
        try verify()
        var bytes = Array(try Data(contentsOf: URL(filePath: path)))
        let whole = bytes
        // 1.5 is 0x3FC00000, 2 is 0x40000000.
        for (pattern, name) in [([0xC0, 0x3F] as [UInt8], "x"), ([0, 0x40], "kind")] {
            let places = (0..<bytes.count - 1).filter { Array(whole[$0...$0 + 1]) == pattern }
            for place in [places.first, places.last].compactMap({ $0 }) {
                bytes[place] ^= 4
                try folder.write("a.npz", bytes)
                let error = dataError { try verify() }
                #expect(error?.kind == .corrupt)
                #expect(error?.place == "\(folder.path)/a.npz: array \"\(name)\"")
                bytes = whole
            }
        }
    }

    /// An array in another order is read when it is opened, and compared then.
    @Test func copiesAreCompared() throws {
        try folder.write(
            "a.npz", Fixtures.stored.replacing("'fortran_order': False,", with: "'fortran_order': True, "))
        let error = dataError {
            try Dataset(specification("a.npz"), columns: [ColumnRequest(name: "image", shape: [2])])
        }
        #expect(error?.kind == .corrupt)
    }
}
