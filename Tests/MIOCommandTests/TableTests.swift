import Foundation
import MIOData
import ProcessSupport
import SmallJobs
import Testing

/// Data as other programs write it, from the check to predictions, with two outputs each.
@Suite(.serialized) struct TableTests {
    private let small: SmallJob

    init() throws { small = try SmallJob() }

    private func mio(_ arguments: String...) throws -> SpawnedProcess.Outcome {
        try SpawnedProcess(["env", "-C", small.folder.path, BuiltProgram.path("mio")] + arguments).wait(
            atMost: 120)
    }

    private func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(filePath: small.path(name)))
    }

    private func writeJob(inputs: Int, _ outputs: String, _ rest: String) throws {
        try write(
            "job.yaml",
            """
            name: table
            model:
              inputs: {x: {shape: [\(inputs)]}}
              layers:
                - {name: h, class: Dense, inputs: x, units: 8, activation: relu}
            \(outputs)
            \(rest)
            training: {epochs: 3, batch_size: 8}

            """)
    }

    /// Checks and trains on two ranks; both must end well.
    private func expectTrained(sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
        let check = try mio("check", "job.yaml")
        #expect(check.status == 0, "\(check.output)\(check.errors)", sourceLocation: sourceLocation)
        #expect(check.output.contains("0 errors"), sourceLocation: sourceLocation)
        let train = try mio("train", "-n", "2", "job.yaml")
        #expect(train.status == 0, "\(train.errors)", sourceLocation: sourceLocation)
        return check.output
    }

    /// What half of Europe's spreadsheets write: semicolons, decimal commas, two columns that were emptied, and rows that
    /// were.
    @Test func aSpreadsheetWithDecimalCommas() throws {
        let rows = (0..<40).map { row in
            "10/03/2004;\(row % 24).00.00;\(row % 5),\(row % 10);\(row % 3),25;\(row % 7),5;\(row % 2);;"
        }
        try write(
            "air.csv",
            "Date;Time;CO(GT);T;RH;rain;;\r\n" + rows.joined(separator: "\r\n") + "\r\n;;;;;;;\r\n;;;;;;;\r\n"
        )
        let outputs = """
                - {name: co, class: Dense, inputs: h, units: 1}
                - {name: rain, class: Dense, inputs: h, units: 1, activation: sigmoid}
              outputs: [co, rain]
            outputs:
              co: {loss: mse}
              rain: {loss: binary_crossentropy}
            """
        let source = #"files: air.csv, columns: {x: [T, RH], co: "CO(GT)"}"#
        try writeJob(inputs: 2, outputs, "data: {train: {\(source)}}")
        let refused = try mio("check", "job.yaml")
        #expect(refused.status == 65)
        let keys = #"separator: ";", decimal: ",""#
        #expect(
            refused.output.contains(
                "error: \(small.path("air.csv")): no column \"T\". Fields are separated by \";\", and decimals are written with "
                    + "a comma: write \(keys) in data.train\n"), "\(refused.output)")
        #expect(refused.output.contains("\n1 error, "))
        try writeJob(inputs: 2, outputs, "data: {train: {\(source), \(keys)}, validation: {files: air.csv}}")
        let report = try expectTrained()
        #expect(report.contains("data.train      40 samples in 1 shard"))
        #expect(report.contains("x             (2,), from 0.25 to 6.5, mean "), "\(report)")
        let skipped =
            "data.train: \(small.path("air.csv")): 2 rows are skipped: every field is empty"
        #expect(report.contains("warning: " + skipped))
        // Other files are read as the training data is.
        let evaluation = try mio("evaluate", "--data", "air.csv", "--data", "a*.csv")
        #expect(evaluation.status == 0, "\(evaluation.errors)")
        #expect(evaluation.output.hasPrefix("40 samples of air.csv a*.csv, "))
    }

    /// Texts in arrays of numpy, one of them an input: numbered by the training, named by the prediction.
    @Test func arraysOfTexts() throws {
        let species = ["setosa", "versicolor", "virginica"]
        for (name, rows) in [("train.npz", 30), ("validation.npz", 12)] {
            let writer = try NpzWriter(
                path: small.path(name),
                arrays: [.init("x", .float32, shape: [rows, 2]), .init("size", .float32, shape: [rows])],
                texts: [
                    ("kind", (0..<rows).map { $0 % 5 == 4 ? "" : species[$0 % 3] }),
                    ("color", (0..<rows).map { ["blue", "white"][$0 % 2] }),
                ])
            try writer.append((0..<rows * 2).map { Float($0 % 3) }, to: 0)
            try writer.append((0..<rows).map { Float($0 % 4) }, to: 1)
            try writer.finish()
        }
        try write(
            "job.yaml",
            """
            name: texts
            model:
              inputs: {x: {shape: [2]}, color: {shape: [1]}}
              layers:
                - {name: joined, class: Concatenate, inputs: [x, color]}
                - {name: kind, class: Dense, inputs: joined, units: 3, activation: softmax}
                - {name: size, class: Dense, inputs: joined, units: 1}
              outputs: [kind, size]
            outputs:
              kind: {loss: sparse_categorical_crossentropy, classes: appearance}
              size: {loss: mse}
            data:
              train: {files: train.npz}
              validation: {files: validation.npz}
              classes: {color: [white, blue]}
            training: {epochs: 2, batch_size: 8}
            """)
        let report = try expectTrained()
        #expect(report.contains("24 of 30 labelled (80 %)"), "\(report)")
        #expect(report.contains("classes setosa: 8, versicolor: 8, virginica: 8"), "\(report)")
        let predicted = try mio("predict", "--data", "validation.npz", "--output", "p.npz")
        #expect(predicted.status == 0, "\(predicted.errors)")
        #expect(try NpzFile(path: small.path("p.npz")).arrayNames == ["kind", "size", "kind_classes"])
        let wrong = try mio("check", "--resume", "never", "--set", "data.classes.color=[white, bleu]")
        #expect(wrong.status == 65)
        #expect(
            wrong.output.contains(
                "train.npz: array \"color\", row 0: the element is \"blue\", which is not one of its 2 classes"
            ),
            "\(wrong.output)")
    }

    /// An empty cell of an input: the line of the file, from a check, a training and an evaluation.
    @Test func emptyCellsOfInputs() throws {
        let rows = (0..<20).map { "\($0 % 5),\($0 == 11 ? "" : "\($0 % 3)"),\($0 % 2),\($0)" }
        try write("a.csv", "age,size,kind,value\n" + rows.joined(separator: "\n") + "\n")
        try writeJob(
            inputs: 2,
            """
                - {name: kind, class: Dense, inputs: h, units: 2, activation: softmax}
                - {name: value, class: Dense, inputs: h, units: 1}
              outputs: [kind, value]
            outputs:
              kind: {loss: sparse_categorical_crossentropy}
              value: {loss: mse}
            """, "data: {train: {files: a.csv, columns: {x: [age, size]}}, test: {files: a.csv}}")
        func words(_ place: String) -> String {
            "\(place): input \"x\": 1 value is NaN or infinite, the first in \(small.path("a.csv")):13 (row 11): column "
                + "\"size\" is nan; correct the data, or leave such samples out"
        }
        let check = try mio("check", "job.yaml")
        #expect(check.status == 65)
        #expect(check.output.contains("error: \(words("data.train"))\n"), "\(check.output)")
        for ranks in ["1", "3"] {
            let train = try mio("train", "-n", ranks, "job.yaml")
            #expect(train.status == 65, "\(train.errors)")
            #expect(train.errors.contains("mio: \(words("data.train"))\n"), "\(train.errors)")
        }
        // Weights of samples are held to the same.
        try write("a.csv", "age,size,kind,value,value_weight\n1,2,0,1,1\n2,1,1,2,inf\n")
        let weights = try mio("check", "job.yaml")
        let training = try mio("train", "job.yaml")
        let fault =
            "data.train: sample weights \"value_weight\": 1 value is NaN or infinite, the first in "
            + "\(small.path("a.csv")):3 (row 1): column \"value_weight\" is inf; correct the data"
        #expect(weights.status == 65 && training.status == 65)
        #expect(weights.output.contains("error: \(fault)"), "\(weights.output)")
        #expect(training.errors.contains("mio: \(fault)"), "\(training.errors)")
    }

    /// A sensor that was off is −200, in one of two units of an output too.
    @Test func aTableWithANumberForMissing() throws {
        let rows = (0..<40).map { row in
            "\(row % 4 == 3 ? -200 : Double(row % 5)),\(row % 5 == 4 ? -200 : Double(row % 3)),\(row % 7),\(row % 2)"
        }
        try write("air.csv", "CO(GT),NOx(GT),T,rain\n" + rows.joined(separator: "\n") + "\n")
        try writeJob(
            inputs: 1,
            """
                - {name: gas, class: Dense, inputs: h, units: 2}
                - {name: rain, class: Dense, inputs: h, units: 1, activation: sigmoid}
              outputs: [gas, rain]
            outputs:
              gas: {loss: mse, metrics: [mean_absolute_error], missing_value: -200}
              rain: {loss: binary_crossentropy}
            """,
            #"data: {train: {files: air.csv, columns: {x: T, gas: ["CO(GT)", "NOx(GT)"]}}, test: {files: air.csv}}"#
        )
        let report = try expectTrained()
        #expect(report.contains("-200 means missing"), "\(report)")
        // Both units are off in 2 of 40 rows.
        #expect(report.contains("  gas           38 of 40 labelled"), "\(report)")
        let evaluation = try mio("evaluate", "--json")
        #expect(evaluation.status == 0, "\(evaluation.errors)")
        let object = try JSONSerialization.jsonObject(with: Data(evaluation.output.utf8)) as? [String: Any]
        // With -200 for a number it is far above 30.
        #expect(try #require(object?["gas_mean_absolute_error"] as? Double) < 10)
    }

    /// Words, empty cells, booleans; texts as inputs and as a target.
    @Test func aTableOfPassengers() throws {
        let classes = ["Third", "First", "Second"]
        let rows = (0..<60).map { row in
            let age = row % 7 == 6 ? "" : row % 7 == 5 ? "NA" : "\(20 + row % 30).0"
            return "\(row % 2),\(classes[row % 3]),\(row % 2 == 0 ? "male" : "female"),\(age),"
                + "\(["S", "C", "Q"][row / 3 % 3]),\(row % 4 == 0 ? "True" : "False"),\(row % 2 == 0 ? "no" : "yes")"
        }
        try write(
            "titanic.csv",
            "survived,class,sex,age,embarked,alone,alive\n" + rows.joined(separator: "\n") + "\n")
        let outputs = """
                - {name: class, class: Dense, inputs: h, units: 3, activation: softmax}
                - {name: alive, class: Dense, inputs: h, units: 1, activation: sigmoid}
                - {name: age, class: Dense, inputs: h, units: 1}
              outputs: [class, alive, age]
            outputs:
              class: {loss: sparse_categorical_crossentropy, metrics: [accuracy], classes: appearance}
              alive: {loss: binary_crossentropy, metrics: [accuracy], classes: [no, yes]}
              age: {loss: mse}
            """
        let source = "train: {files: titanic.csv, columns: {x: [sex, embarked, alone]}}"
        try FileManager.default.copyItem(atPath: small.path("titanic.csv"), toPath: small.path("t.csv"))
        try writeJob(inputs: 3, outputs, "data: {\(source)}")
        let refused = try mio("check", "job.yaml")
        #expect(refused.status == 65)
        #expect(
            refused.output.contains(
                "titanic.csv:2: column \"sex\" holds \"male\", a number expected (or nothing, which is NaN). A column of texts "
                    + "needs classes: for a target outputs.NAME.classes, for an input data.classes: {sex: appearance}, or "
                    + "the list of its texts"), "\(refused.output)")
        try writeJob(
            inputs: 3, outputs,
            "data: {\(source), test: {files: t.csv}, classes: {sex: appearance, embarked: [C, Q, S]}}")
        let report = try expectTrained()
        #expect(report.contains("classes Third: 20, First: 20, Second: 20"), "\(report)")
        #expect(report.contains("  age           44 of 60 labelled"), "\(report)")
        let record = try String(contentsOfFile: small.path("runs/table/job.yaml"), encoding: .utf8)
        #expect(!record.contains("appearance"))
        let prediction = try mio("predict", "--output", "out.npz")
        #expect(prediction.status == 0, "\(prediction.errors)")
        #expect(
            try NpzFile(path: small.path("out.npz")).arrayNames
                == ["class", "alive", "age", "class_classes", "alive_classes"])
        let resumed = try mio("train", "-n", "3", "--set", "training.epochs=4", "job.yaml")
        #expect(resumed.status == 0, "\(resumed.errors)")
        #expect(!resumed.errors.contains("warning"), "\(resumed.errors)")
    }

    /// numpy.savez_compressed of a table from pandas: x in Fortran order, big-endian classes, texts and objects beside them.
    @Test func arraysInOtherOrdersWithTextsBeside() throws {
        try Data(Self.archive).write(to: URL(filePath: small.path("d.npz")))
        let outputs = """
                - {name: kind, class: Dense, inputs: h, units: 3, activation: softmax}
                - {name: size, class: Dense, inputs: h, units: 1}
              outputs: [kind, size]
            outputs:
              kind: {loss: sparse_categorical_crossentropy, metrics: [accuracy]}
              size: {loss: mse}
            """
        try writeJob(inputs: 3, outputs, "data: {train: {files: d.npz}}")
        let report = try expectTrained()
        #expect(
            report.contains(
                "  x             in Fortran (column-major) order: every rank copies it, 288 bytes, when it starts"
            ),
            "\(report)")
        #expect(report.contains("  kind          in big-endian order: every rank copies it, 96 bytes"))
        #expect(report.contains("classes 0: 8, 1: 8, 2: 8"))
        let texts = try mio("check", "--set", "data.train.columns.x=columns", "job.yaml")
        #expect(texts.status == 65)
        #expect(
            texts.output.contains("array \"columns\": elements are texts (dtype \"<U6\")"),
            "\(texts.output)")
        let objects = try mio("check", "--set", "data.train.columns.x=notes", "job.yaml")
        #expect(
            objects.output.contains("array \"notes\": elements are Python objects (dtype \"|O\")"),
            "\(objects.output)")
    }

    /// A bit of a stored array flips after the training data was written.
    @Test func aDamagedArrayIsFoundByEveryProgram() throws {
        let train = try mio("train", "job.yaml")
        #expect(train.status == 0, "\(train.errors)")
        var bytes = [UInt8](try Data(contentsOf: URL(filePath: small.path("train.npz"))))
        let header = try #require(bytes.firstRange(of: Array("'shape': (90, 6)".utf8)))
        bytes[header.upperBound + 200] ^= 0x40
        try Data(bytes).write(to: URL(filePath: small.path("train.npz")))
        let expected = "\(small.path("train.npz")): array \"input\": its checksum is "
        for arguments in [
            ["check"], ["evaluate", "--data", "train"],
            ["predict", "--data", "train", "--output", "out.npz"],
            ["train", "-n", "2", "--resume", "never"], ["train", "--resume", "never"],
        ] {
            let outcome = try SpawnedProcess(
                ["env", "-C", small.folder.path, BuiltProgram.path("mio")] + arguments
            ).wait(atMost: 120)
            #expect(outcome.status == 65, "\(arguments): \(outcome.errors)")
            #expect((outcome.output + outcome.errors).contains(expected), "\(arguments): \(outcome.errors)")
        }
        #expect(FileManager.default.fileExists(atPath: small.path("runs/small/model.safetensors")))
    }

    @Test func filesOfEachArrayOnTheCommandLine() throws {
        let train = try mio("train", "job.yaml")
        #expect(train.status == 0, "\(train.errors)")
        for (name, rows) in [("a", 3), ("b", 4)] {
            let writer = try NpyWriter(
                path: small.path("\(name).npy"), elementType: .float32, shape: [rows, 6])
            try writer.append([Float](repeating: 0.5, count: rows * 6))
            try writer.finish()
        }
        let both = try mio(
            "predict", "--data", "input=a.npy", "--data", "input=b.npy", "--output", "out.npz")
        #expect(both.status == 0, "\(both.errors)")
        #expect(both.output.hasPrefix("out.npz: 7 samples"))
        let glob = try mio("predict", "--data", "input=[ab].npy", "--output", "out.npz")
        #expect(glob.output.hasPrefix("out.npz: 7 samples"))
        func refused(_ arguments: String...) throws -> String {
            let outcome = try SpawnedProcess(
                ["env", "-C", small.folder.path, BuiltProgram.path("mio"), "evaluate"] + arguments
            ).wait(atMost: 120)
            #expect([64, 65, 66].contains(outcome.status), "\(outcome.errors)")
            return outcome.errors
        }
        #expect(
            try refused("--data", "inptu=a.npy")
                == "mio: --data inptu=a.npy: the model has no input or output \"inptu\"; the nearest is \"input\". Its "
                + "arrays are input, kind, box, kind_weight, box_weight\n")
        #expect(try refused("--data", "input=a.npy", "--data", "test.npz").contains("give one kind"))
        #expect(
            try refused("--data", "train", "--data", "test.npz").contains(
                "--data train: stands for data.train"))
        #expect(try refused("--data", "input=a.npy").contains("--data names no files of array \"kind\""))
        #expect(try refused("--data", "a.npy").contains("write --data input=FILE.npy"))
        #expect(try refused("--data", "none.npz").contains("no such file"))
    }

    @Test func dataOfTheCommandLineIsCalledSo() throws {
        let train = try mio("train", "job.yaml")
        #expect(train.status == 0, "\(train.errors)")
        var data = SmallData(samples: 5, stream: 9)
        data.kind = [Int32](repeating: -1, count: 5)
        try data.write(to: small.path("unl.npz"))
        let evaluation = try mio("evaluate", "--data", "unl.npz")
        #expect(evaluation.status == 0, "\(evaluation.errors)")
        #expect(
            evaluation.errors
                == "warning: --data unl.npz: output \"kind\": no sample has a label: its loss and metrics are 0\n"
        )
    }

    @Test func weightsInSomeShardsAreToldByCheckAndTraining() throws {
        var data = SmallData(samples: 30, stream: 9)
        data.weights = [Float](repeating: 3, count: 30)
        try data.write(to: small.path("train-2.npz"))
        let warning =
            "warning: data.train: 1 of 2 shards have no sample weights \"kind_weight\", the first is \(small.path("train.npz")): "
            + "90 of 120 samples weigh 1\n"
        let check = try mio("check", "--set", "data.train.files=train*.npz")
        #expect(check.output.contains(warning), "\(check.output)")
        #expect(check.output.contains("sample weights, from 1 to 3, mean 1.5"), "\(check.output)")
        let train = try mio("train", "-n", "2", "--set", "data.train.files=train*.npz")
        #expect(train.status == 0)
        #expect(train.errors.components(separatedBy: warning).count == 2, "\(train.errors)")
    }

    /// Deflated: columns (texts), kind (>i4), notes (objects), size (f8), x (f4, Fortran order) of 24 samples.
    private static let archive = [UInt8](
        Data(
            base64Encoded: """
                UEsDBC0AAAAIAAAAIQA/L4gm//////////8FABQAeC5ucHkBABAAoAEAAAAAAAD1AAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6T
                ZqKuo6Cell9UUpSYF59flJIKEg8pKk0FChdnJBakArkaRiY6CsaaOgq1CmQDLgaGhv0MYNBgTwv2DjnWfYW2XPuNjYvtg3bI7V/nngjm
                75BrtZdv1d7/JnCHrXzr6322XOEgbAdSv8594X6Rde72Hg932R/+usIeZNDZM2fsbLmm7+8/NHU/UMwOJH72jI8t13Vle6AZdsbGxvuB
                bFsGhgVAevE+kDnGxpvtlhTYguy0A8rtA6kDmbvO/SDQXa12Hg9/gfUe/qph/03jDojeH7TjHkgO6AZF+2oRPXsAUEsDBC0AAAAIAAAA
                IQBVtqca//////////8IABQAa2luZC5ucHkBABAA4AAAAAAAAABNAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6XaaKuo6Cell9U
                UpSYF59flJIKEndLzClOBYoXZyQWpAL5GkYmOpo6CrUK5AMuBghgBGImWrABUEsDBC0AAAAIAAAAIQC2fgMu//////////8IABQAc2l6
                ZS5ucHkBABAAQAEAAAAAAADHAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TZqGuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQW
                pAL5GkYmOgqGmjoKtQrkAi4GMPhgf31xgS3X9cf75VtfB+6Q+2sPob9C+U/3i6xzf1gl8s5+1kwQWGkP0cfgELRDDqjihL1mTP+hrxpP
                9kP4N/YXAk1bXPBxfzVY45f9UHl7EBnT/8h+Cci6xV+g5rzYzwV2wG+o/CWovT/twVTr7f1g69c93w9Rf8EeYu4HewBQSwMELQAAAAgA
                AAAhAOItis3//////////wsAFABjb2x1bW5zLm5weQEAEADIAAAAAAAAAGQAAAAAAAAAm+wX6hsQychQxlCtnpJanFykbqWgbhNqpq6j
                oJ6WX1RSlJgXn1+UkgoSd0vMKU4FihdnJBakAvkaxjqaOgq1ChQArhwGBoZUIM4D4nQgLgHiDCAuB+JMIE5BEmOA8kHqC9DEAVBLAwQt
                AAAACAAAACEAMmlVLP//////////CQAUAG5vdGVzLm5weQEAEAAfAQAAAAAAAM0AAAAAAAAAm+wX6hsQychQxlCtnpJanFykbqWgXuOv
                rqOgnpZfVFKUmBefX5SSChJ2S8wpTgWKF2ckFqQC+RpGOpo6CrUKlACuBpapUxggoEcsrzS3oFIvPjm/KFUvtzSnJDOxqCixckoPT3xR
                anJ+XnFJUWlyyZTJU3pYwSqn9LDnpUCUTJ7izdA6xZkxaUr7lKApGt6M3kytUzKYe1hTSioLUkFamPwtpnR2QGSZexhrpvj5+Xn9BwIw
                4W1fMiWpM3aKRu2UHsbEKd6MxX6pQBE9AFBLAQItAy0AAAAIAAAAIQA/L4gm9QAAAKABAAAFAAAAAAAAAAAAAACAAQAAAAB4Lm5weVBL
                AQItAy0AAAAIAAAAIQBVtqcaTQAAAOAAAAAIAAAAAAAAAAAAAACAASwBAABraW5kLm5weVBLAQItAy0AAAAIAAAAIQC2fgMuxwAAAEAB
                AAAIAAAAAAAAAAAAAACAAbMBAABzaXplLm5weVBLAQItAy0AAAAIAAAAIQDiLYrNZAAAAMgAAAALAAAAAAAAAAAAAACAAbQCAABjb2x1
                bW5zLm5weVBLAQItAy0AAAAIAAAAIQAyaVUszQAAAB8BAAAJAAAAAAAAAAAAAACAAVUDAABub3Rlcy5ucHlQSwUGAAAAAAUABQAPAQAA
                XQQAAAAA
                """, options: .ignoreUnknownCharacters)!)
}
