import MIOBatches
import MIOData
import TestFolders
import Testing

struct CSVFileTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func read(
        _ text: String, _ columns: [[String]], dialect: CSVDialect = CSVDialect(),
        classes: [String: [String]] = [:]
    ) throws -> [DataArray] {
        try CSVFile(path: folder.write("x.csv", text), dialect: dialect, section: "data.train")
            .read(columns: columns, classes: classes, scratch: ScratchStore()).arrays
    }

    private func dialect(_ separator: Unicode.Scalar, _ decimal: Unicode.Scalar = ".") -> CSVDialect {
        CSVDialect(separator: UInt8(ascii: separator), decimal: UInt8(ascii: decimal))
    }

    @Test func columnsBecomeArrays() throws {
        let arrays = try read("a,b,c\n1,2,3\n4,5.5,-6e1\n", [["c", "a"], ["b"], []])
        #expect(arrays.map(\.shape) == [[2, 2], [2, 1], [2, 0]])
        #expect(arrays[0].values() == [3, 1, -60, 4])
        #expect(arrays[1].values() == [2, 5.5])
    }

    @Test func quotesSpacesLineEndsAndByteOrderMark() throws {
        let file = try CSVFile(
            path: folder.write(
                "x.csv", "\u{FEFF}\"a, \"\"first\"\"\",\"b\"\r\n \"1\" , 2\t\r\n\r\n\"\",\"3\""))
        #expect(file.columnNames == ["a, \"first\"", "b"])
        let values = try file.read(columns: [file.columnNames], scratch: ScratchStore()).arrays[0].values()
        #expect(Array(values[..<2]) == [1, 2])
        #expect(values[2].isNaN)
        #expect(values[3] == 3)
        #expect(values.count == 4)
    }

    /// A separator that few files have is one cause, whatever names the job wants.
    @Test(arguments: ["^", "~", ":"]) func unusualSeparatorsAreNamed(separator: String) throws {
        _ = try folder.write("a.csv", "x\(separator)y\(separator)kind\n1\(separator)2\(separator)0\n")
        let requests = ["x", "y", "kind"].map { ColumnRequest(name: $0, shape: [1]) }
        func error(_ map: [String: DatasetRequest.Source] = [:]) -> DataError? {
            dataError {
                try Dataset(
                    DatasetRequest(files: ["a.csv"], columns: map, folder: folder.path), columns: requests)
            }
        }
        let known = error()
        #expect(known?.kind == .wrongDialect)
        #expect(
            known?.message
                == "no column \"x\". Fields are separated by \"\(separator)\": write separator: \"\(separator)\" in data"
        )
        let unknown = error(["x": .name("z")])
        #expect(unknown?.kind == .wrongDialect)
        #expect(
            unknown?.message
                == "no column \"z\". The line of names is one field, \"x\(separator)y\(separator)kind\": name the "
                + "character between its columns with data.separator")
    }

    @Test func emptyFieldsAreNaN() throws {
        let values = try read("a,b\n,1\n2,\n", [["a", "b"]])[0].values()
        #expect(values.map(\.isNaN) == [true, false, false, true])
    }

    @Test func aTableWithoutRowsHasArraysWithoutRows() throws {
        #expect(try read("a,b\n", [["a"]])[0].shape == [0, 1])
        #expect(try read("a,b", [["a"]])[0].shape == [0, 1])
    }

    @Test func temporaryFilesHoldTheSame() throws {
        let text = "a,b\n" + (0..<20_000).map { "\($0),\(-$0)\n" }.joined()
        let file = try CSVFile(path: folder.write("x.csv", text))
        let scratch = ScratchStore(memoryBound: 0, folder: folder.path)
        let arrays = try file.read(columns: [["a"], ["b", "a"]], scratch: scratch).arrays
        #expect(arrays[0].values() == (0..<20_000).map { Float($0) })
        #expect(arrays[1].values() == (0..<20_000).flatMap { [Float(-$0), Float($0)] })
    }

    @Test func badFieldsAreNamed() throws {
        let word = dataError { try read("a,b\n1,2\n3,four\n", [["b"]]) }
        #expect(word?.kind == .badValue)
        #expect(
            word?.description
                == "\(folder.path)/x.csv:3: column \"b\" holds \"four\", a number expected (or nothing, which is NaN)"
        )
        // A column without a number is one of texts.
        let texts = dataError { try read("a,b\n1,\n3,four\n", [["b"]]) }
        #expect(
            texts?.message.hasSuffix(
                "(or nothing, which is NaN). A column of texts needs classes: for a target outputs.NAME.classes, for an "
                    + "input data.classes: {b: appearance}, or the list of its texts") == true)
        // Fields that nobody wants may hold anything.
        #expect(try read("a,b\n1,two\n", [["a"]])[0].values() == [1])
        let few = dataError { try read("a,b\n\n1\n", [["a"]]) }
        #expect(few?.description.hasSuffix("x.csv:3: 1 field, the header names 2 columns") == true)
        #expect(dataError { try read("a,b\n1,2,3\n", [["a"]]) }?.message.hasPrefix("3 fields") == true)
        #expect(dataError { try read("a,b\n1,\"2\n", [["a"]]) }?.kind == .truncated)
        #expect(dataError { try read("a,b\n1,\"2\"3\n", [["a"]]) }?.kind == .badValue)
        let long = String(repeating: "1", count: 400)
        #expect(dataError { try read("a\n\(long)\n", [["a"]]) }?.kind == .badValue)
    }

    @Test func badHeadersAreNamed() throws {
        #expect(dataError { try read("", [["a"]]) }?.kind == .empty)
        #expect(dataError { try read("\n\n", [["a"]]) }?.kind == .empty)
        let duplicate = dataError { try read("\n\na,b,a,c,a\n", [["c"], ["a"]]) }
        #expect(duplicate?.kind == .duplicate)
        #expect(
            duplicate?.description
                == "\(folder.path)/x.csv:3: columns 1, 3 and 5 are all named \"a\"; give the one to be read a "
                + "name of its own")
        let missing = dataError { try read("width,height\n", [["widh"]]) }
        #expect(missing?.message == "no column \"widh\"; the nearest is \"width\"; it holds width, height")
        let utf16 = dataError { try CSVFile(path: folder.write("u.csv", [0xFF, 0xFE, 0x61, 0, 0x0A, 0])) }
        #expect(utf16?.message.hasPrefix("the text is UTF-16; save it as UTF-8") == true)
    }

    @Test func namesThatNobodyWantsMayBeThereTwice() throws {
        let arrays = try read("a,b,,b,,\n1,2,,3,,\n4,5,x,6,y,\n7,8,9,10\n", [["a"]])
        #expect(arrays[0].values() == [1, 4, 7])
        // A header without unnamed columns, rows that a spreadsheet ended with empty fields.
        #expect(try read("a,b\n1,2,,\n3,4\n", [["b"]])[0].values() == [2, 4])
        #expect(dataError { try read("a,b\n1,2,,3\n", [["b"]]) }?.message.hasPrefix("4 fields") == true)
    }

    @Test func rowsWithoutAnyValueAreSkipped() throws {
        let path = try folder.write("x.csv", "a;b;;\n \t\n1;2;;\n;;;\n   \n3;4;;\n;;;\n\t\n")
        let table = try CSVFile(path: path, dialect: dialect(";")).read(
            columns: [["a", "b"]], scratch: ScratchStore())
        #expect(table.arrays[0].values() == [1, 2, 3, 4])
        #expect(table.emptyRowCount == 2)
    }

    // MARK: Dialects

    @Test(
        arguments: [
            (";", ",", "a;b;c\n0,5;-1,25e1;3\n"), ("\t", ".", "a\tb\tc\n0.5\t-12.5\t3\n"),
            ("|", ".", " a | b | c \n 0.5 | -12.5 | 3 \n"), (" ", ".", "  a  b \t c\n 0.5   -12.5  3  \n"),
            (" ", ",", "# a b c\n0,5 -12,5 3\n"), (",", ".", "# a,b,c\n0.5,-12.5,3\n"),
            (";", ",", "\u{FEFF}a;b;c\r\n\"0,5\";\"-12,5\";3\r\n"),
        ] as [(Unicode.Scalar, Unicode.Scalar, String)])
    func dialectsAreRead(separator: Unicode.Scalar, decimal: Unicode.Scalar, text: String) throws {
        let arrays = try read(text, [["c", "a"], ["b"]], dialect: dialect(separator, decimal))
        #expect(arrays[0].values() == [3, 0.5])
        #expect(arrays[1].values() == [-12.5])
    }

    /// The keys that an error names read the file.
    @Test(
        arguments: [
            (
                "a;b;kind\n0.5;1;2\n", #"Fields are separated by ";": write separator: ";" in data.train"#,
                ";", "."
            ),
            (
                "a;b;kind\n1;2;3\n0,5;1,5;2\n",
                #"Fields are separated by ";", and decimals are written with a comma: write separator: ";", decimal: "," in data.train"#,
                ";", ","
            ),
            (
                "a\tb\tkind\n0.5\t1\t2\n",
                #"Fields are separated by tabs: write separator: "\t" in data.train"#, "\t", "."
            ),
            (
                "a|b|kind\n0.5|1|2\n", #"Fields are separated by "|": write separator: "|" in data.train"#,
                "|", "."
            ),
            (
                "a  b   kind\n0.5 1    2\n",
                #"Fields are separated by spaces: write separator: " " in data.train"#, " ", "."
            ),
            (
                "# a b kind\n0.5 1 2\n",
                #"Fields are separated by spaces: write separator: " " in data.train"#, " ", "."
            ),
        ] as [(String, String, Unicode.Scalar, Unicode.Scalar)])
    func anotherDialectIsRecognized(
        text: String, advice: String, separator: Unicode.Scalar, decimal: Unicode.Scalar
    ) throws {
        let path = try folder.write("x.csv", text)
        for columns: [String: DatasetRequest.Source] in [
            ["x": .columns(["a", "b"])], ["x": .columns(["b", "a"]), "kind": .name("kind")],
        ] {
            var specification = DatasetRequest(files: ["x.csv"], columns: columns, folder: folder.path)
            specification.section = "data.train"
            let requests = [
                ColumnRequest(name: "x", shape: [2]),
                ColumnRequest(name: "kind", shape: [], role: .target),
            ]
            let error = dataError { try Dataset(specification, columns: requests) }
            #expect(error?.kind == .wrongDialect)
            #expect(error?.description.hasPrefix("\(path): no column \"") == true)
            #expect(error?.message.hasSuffix("\". " + advice) == true, "\(error?.description ?? "")")
            specification.dialect = dialect(separator, decimal)
            #expect(try Dataset(specification, columns: requests).rowCount > 0)
        }
    }

    @Test func whatIsNoDialectIsSaid() throws {
        func message(_ text: String, _ dialect: CSVDialect = CSVDialect()) throws -> String {
            try folder.write("x.csv", text)
            var specification = DatasetRequest(files: ["x.csv"], folder: folder.path)
            specification.dialect = dialect
            return dataError { try Dataset(specification, columns: [ColumnRequest(name: "a", shape: [])]) }?
                .message ?? ""
        }
        #expect(
            try message("0.5,1,2\n3,4,5\n")
                == "no column \"a\". The first line holds numbers: a line with a name for each of the 3 columns is expected "
                + "before it")
        #expect(try message("0,5;1;2\n3;4;5\n").contains("each of the 3 columns"))
        for text in ["# made by some program\na,b\n1,2\n", "#\na;b\n1;2\n"] {
            #expect(
                try message(text)
                    == "no column \"a\". The first line begins with '#': remove comments before the line of names, which must be "
                    + "the first")
        }
        // A decimal mark that is found late, a separator that was written in vain.
        #expect(
            try message("a;b\n1;2\n1,5;2\n", dialect(";")).hasSuffix(
                #"Decimals are written with a comma: write decimal: "," in data"#))
        #expect(
            try message("a,b\n1.5,2\n", dialect(";", ",")).hasSuffix(
                #"Fields are separated by ",", and decimals are written with a point: write separator: ",", decimal: "." in data"#
            ))
        #expect(try message("b;c\n1;2\n").hasSuffix(#"write separator: ";" in data"#))
        #expect(
            try message("width,height\n1,2\n").hasPrefix(
                "no array \"a\"; it holds width, height. Another name is given by data.columns"))
    }

    // MARK: Cells

    @Test func cellsAreWhatPandasReads() throws {
        let missing = [
            "", "NA", "N/A", "n/a", "null", "NULL", "None", "NaN", "nan", "-NaN", "-nan", "<NA>", "#N/A",
            "#NA",
            "#N/A N/A", "1.#QNAN", "-1.#IND",
        ]
        let values = try read("a,b\n" + missing.map { "1,\($0)\n" }.joined(), [["b"]])[0].values()
        #expect(values.count == missing.count)
        #expect(values.filter(\.isNaN).count == missing.count)
        let numbers: [(String, Float)] = [
            ("True", 1), ("TRUE", 1), ("true", 1), ("False", 0), ("FALSE", 0), ("false", 0), ("+1.", 1),
            ("-.5", -0.5),
            ("1E3", 1000), ("1e-50", 0), ("007", 7), ("inf", .infinity), ("-Infinity", -.infinity),
            ("+INF", .infinity),
            ("16777217", 16_777_216), ("\"1.5\"", 1.5),
        ]
        #expect(
            try read("a\n" + numbers.map { "\($0.0)\n" }.joined(), [["a"]])[0].values() == numbers.map(\.1))
        for word in [
            "0x1p3", "0x10", "nan(12)", "infin", "1.#INF", "TrUe", "na", "none", "1_000", "1,5", "1 5", "e5",
            "1e", "--1",
            "1.2.3", "∞", "+", ".", "1f", "NAN",
        ] {
            let error = dataError { try read("a;b\n1;\(word)\n", [["b"]], dialect: dialect(";")) }
            #expect(error?.kind == (word == "1,5" ? .wrongDialect : .badValue), "\(word)")
            #expect(error?.message.contains("a number expected") == true, "\(word)")
        }
        for large in ["1e39", "-888E010010", "340282356779733661637539395458142568448"] {
            let error = dataError { try read("a,b\n1,\(large)\n", [["b"]]) }
            #expect(error?.message == "column \"b\" holds \"\(large)\", beyond what 32-bit floats hold")
        }
    }

    @Test func textsBecomeTheirPositions() throws {
        let classes = ["sex": ["male", "female"], "port": ["S", "NA", "Q"]]
        let arrays = try read(
            "sex,age,port\nmale,22,S\nfemale,38,NA\n,26,Q\n\"male\",35,\n", [["age", "sex"], ["port"]],
            classes: classes)
        #expect(Array(arrays[0].values()[..<4]) == [22, 0, 38, 1])
        #expect(arrays[0].values()[5].isNaN)
        // A class that is called as a missing value is one.
        #expect(Array(arrays[1].values()[..<3]) == [0, 1, 2])
        #expect(arrays[1].values()[3].isNaN)
        let unknown = dataError { try read("sex\nmale\nfemal\n", [["sex"]], classes: classes) }
        #expect(
            unknown?.description
                == "\(folder.path)/x.csv:3: column \"sex\" holds \"femal\", which is not one of its 2 classes; the nearest is "
                + "\"female\"; they are male, female")
    }

    @Test func textsAreFoundInOrderOfAppearance() throws {
        try folder.write("b.csv", "port,left,right\nQ,x,y\nNA,z,\n")
        try folder.write("a.csv", "left,right,port\ny,,S\nx,w,C\n")
        let specification = DatasetRequest(files: ["*.csv"], folder: folder.path)
        #expect(
            try specification.texts(ofColumns: [["port"], ["left", "right"]]) == [
                ["S", "C", "Q"], ["y", "x", "w", "z"],
            ])
        try folder.write("c.csv", "left,right\ny,y\n")
        let missing = dataError { try specification.texts(ofColumns: [["port"]]) }
        #expect(missing?.kind == .missingArray)
        var lacking = specification
        lacking.targetsMayBeMissing = true
        #expect(try lacking.texts(ofColumns: [["port"]]) == [["S", "C", "Q"]])
        let none = dataError {
            try DatasetRequest(files: ["*.npz"], folder: folder.path).texts(ofColumns: [["a"]])
        }
        #expect(none?.kind == .missing)
    }

    /// Such a list would make a job file that cannot be read again.
    @Test func aTextForEachSampleIsNoClass() throws {
        let most = 200_000
        func texts(_ count: Int) throws -> [[String]] {
            try folder.write("t.csv", "id\n" + (0..<count).map { "u\($0)\n" }.joined())
            return try DatasetRequest(files: ["t.csv"], folder: folder.path).texts(ofColumns: [["id"]])
        }
        #expect(try texts(most).first?.count == most)
        let many = dataError { try texts(most + 2) }
        #expect(
            many?.description
                == "\(folder.path)/t.csv:200003: \"id\": 200001 different texts up to here, more than classes: appearance "
                + "numbers; a text of its own for each sample teaches a model nothing")
        try folder.write(
            "t.csv", "id\n" + (0..<6).map { "\($0)" + String(repeating: "x", count: 1 << 20) + "\n" }.joined()
        )
        let long = dataError {
            try DatasetRequest(files: ["t.csv"], folder: folder.path).texts(ofColumns: [["id"]])
        }
        #expect(long?.message.hasPrefix("\"id\": 4 different texts up to here") == true)
    }

    /// Looking names up one after the other took 12 s for so many.
    @Test func manyColumnsAreOpenedAtOnce() throws {
        let count = 64_000
        let names = (0..<count).map { "column\($0)" }
        try folder.write(
            "x.csv",
            names.joined(separator: ",") + "\n" + (0..<count).map { "\($0)" }.joined(separator: ",") + "\n")
        let clock = ContinuousClock()
        var values: [Float] = []
        let time = try clock.measure {
            let specification = DatasetRequest(
                files: ["x.csv"], columns: ["x": .columns(names.reversed())], folder: folder.path)
            let dataset = try Dataset(specification, columns: [ColumnRequest(name: "x", shape: [count])])
            values = [Float](repeating: 0, count: count)
            dataset.read(row: 0, column: 0, into: &values)
        }
        #expect(values == (0..<count).reversed().map { Float($0) })
        #expect(time < .seconds(6))
    }
}
