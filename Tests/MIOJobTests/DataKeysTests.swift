import MIOBase
import MIOJob
import Testing

/// The keys of `data` and the classes of outputs, as a person writes them.
@Suite struct DataKeysTests {
    /// A table with texts: a number and two texts in, a class and a number out.
    private func job(data: String, outputs: String = "kind: {loss: sparse_categorical_crossentropy}") throws
        -> Job
    {
        try Job(
            yaml: """
                name: table
                model:
                  inputs: {x: {shape: [3]}}
                  layers:
                    - {name: h, class: Dense, inputs: x, units: 4}
                    - {name: kind, class: Dense, inputs: h, units: 3, activation: softmax}
                    - {name: alive, class: Dense, inputs: h, units: 1, activation: sigmoid}
                    - {name: size, class: Dense, inputs: h, units: 1}
                  outputs: [kind, alive, size]
                outputs:
                  \(outputs)
                data:
                  \(data.replacing("\n", with: "\n  "))
                """, folder: "/jobs/table")
    }

    private func message(data: String = "train: {files: a.csv}", outputs: String? = nil) -> String {
        let error = #expect(throws: JobError.self) {
            if let outputs { try job(data: data, outputs: outputs) } else { try job(data: data) }
        }
        return error?.description ?? ""
    }

    // MARK: Inheritance

    @Test func keysOfTheTrainingDataHoldForTheOthers() throws {
        let job = try job(
            data: """
                train: {files: a.csv, columns: {x: [a, b, c]}, separator: ";", decimal: ",", missing_targets: unlabelled}
                validation: {files: b.csv}
                test: {files: c.csv, columns: {x: [d, e, f]}, separator: '\\t', decimal: ".", missing_targets: error}
                """)
        let train = job.data.train
        #expect(train.separator == ";")
        #expect(train.decimal == ",")
        #expect(train.missingTargets == .unlabelled)
        let validation = try #require(job.data.validation)
        #expect(validation.columns == train.columns)
        #expect(validation.separator == ";")
        #expect(validation.decimal == ",")
        #expect(validation.missingTargets == .unlabelled)
        let test = try #require(job.data.test)
        #expect(test.columns == ["x": .list(["d", "e", "f"])])
        #expect(test.separator == "\t")
        #expect(test.decimal == ".")
        #expect(test.missingTargets == .error)
        // Written out and read again it is the same.
        let again = try Job(yaml: job.resolvedYAML, folder: "/elsewhere")
        #expect(again == job)
        #expect(again.data.test?.columns == test.columns)
        #expect(again.data.test?.separator == "\t")
        #expect(again.data.validation?.decimal == ",")
    }

    @Test func columnsOfNoneAreWrittenAsAnEmptyMapping() throws {
        let job = try job(
            data: "train: {files: a.csv, columns: {x: [a, b, c]}}\nvalidation: {files: b.npz, columns: {}}\n"
                + "test: {files: {x: x.npy, kind: kind.npy}}")
        #expect(job.data.validation?.columns == [:])
        #expect(job.data.test?.columns == [:])
        let again = try Job(yaml: job.resolvedYAML, folder: "/")
        #expect(again.data.validation?.columns == [:])
        #expect(again == job)
    }

    // MARK: What is refused

    @Test func valuesThatCannotBeAreNamed() {
        for separator in ["\";;\"", "a", "\".\"", "\"-\"", "\"é\"", "''"] {
            #expect(
                message(data: "train: {files: a.csv, separator: \(separator)}").contains(
                    "data.train.separator: expected one character such as \",\", \";\", \"\\t\" or \" \" (runs of spaces), "
                        + "found"), "\(separator)")
        }
        #expect(
            message(data: "train: {files: a.csv, decimal: \";\"}").contains(
                "data.train.decimal: expected \".\" or \",\", found \";\""))
        #expect(
            message(data: "train: {files: a.csv, decimal: \",\"}").contains(
                "data.train.decimal: is \",\", which separates the fields too; give separator another one"))
        #expect(
            message(data: "train: {files: a.csv, missing_targets: unlabeled}").contains(
                "data.train.missing_targets: unknown name \"unlabeled\"; did you mean \"unlabelled\"?"))
        #expect(
            message(data: "train: {files: a.csv, columns: {x: [a, b, a]}}").contains(
                "data.train.columns.x: names \"a\" twice"))
        #expect(
            message(data: "train: {files: a.csv, columns: {kind_wieght: w}}").contains(
                "data.train.columns.kind_wieght: unknown name \"kind_wieght\"; did you mean \"kind_weight\"?")
        )
        #expect(
            message(data: "train: {files: a.csv}\nclass: {}").contains(
                "data.class: unknown key; did you mean \"classes\"?"))
    }

    @Test func columnsOfAnOutputWithoutALossAreTold() throws {
        let job = try job(
            data:
                "train: {files: a.csv, columns: {size: s, size_weight: w, x: [a, b, c]}}\nvalidation: {files: b.csv}"
        )
        #expect(
            job.warnings.filter { $0.hasPrefix("data.") } == [
                "data.train.columns.size: is not read, because outputs has no entry for \"size\"",
                "data.train.columns.size_weight: is not read, because outputs has no entry for \"size\"",
            ])
    }

    // MARK: Classes

    @Test func classesAreNamed() throws {
        let job = try job(
            data:
                "train: {files: a.csv, columns: {x: [age, sex, port]}}\nclasses: {sex: [male, female], port: appearance}",
            outputs: "kind: {loss: sparse_categorical_crossentropy, classes: [1, 2, 3]}\n"
                + "  alive: {loss: binary_crossentropy, classes: [no, yes]}")
        #expect(job.outputs[0].classes == .list(["1", "2", "3"]))
        #expect(job.outputs[1].classes == .list(["no", "yes"]))
        #expect(job.data.classes == ["sex": .list(["male", "female"]), "port": .appearance])
        #expect(job.openClasses.map(\.key) == ["data.classes.port"])
        let settled = try job.settingClasses([["S", "C"]])
        #expect(settled.data.classes["port"] == .list(["S", "C"]))
        #expect(settled.openClasses == [])
        #expect(try Job(yaml: settled.resolvedYAML, folder: "/") == settled)
        // Numbers in quotes are texts after a round trip too.
        #expect(try job.classes(in: settled.resolvedYAML) == [["S", "C"]])
        #expect(try job.classes(in: job.resolvedYAML) == nil)
    }

    @Test func classesThatDoNotFitAreRefused() throws {
        func kind(_ classes: String) -> String {
            message(outputs: "kind: {loss: sparse_categorical_crossentropy, classes: \(classes)}")
        }
        #expect(kind("[a, b]").contains("outputs.kind.classes: 2 classes (a, b), but the output has 3 units"))
        #expect(kind("[a, b, a]").contains("outputs.kind.classes: \"a\" is there twice"))
        let long = String(repeating: "n", count: 1001)
        #expect(throws: Never.self) {
            try job(
                data: "train: {files: a.csv}",
                outputs: "kind: {loss: sparse_categorical_crossentropy, classes: [a, b, \(long.dropLast())]}")
        }
        #expect(
            kind("[a, b, \(long)]").contains(
                "(1001 characters)\" is too long a name: at most 1000 characters, because predictions"))
        #expect(kind("[a, b, 1.5]").contains("outputs.kind.classes: expected texts, found the number 1.5"))
        #expect(
            kind("apearance").contains("expected a list of texts, or appearance for their order in the data"))
        #expect(kind("[]").contains("expected at least one class"))
        #expect(
            message(outputs: "alive: {loss: binary_crossentropy, classes: [a]}").contains(
                "outputs.alive.classes: 1 class (a), but BinaryCrossentropy has 2: 0 and 1"))
        #expect(
            message(outputs: "size: {loss: mse, classes: [a, b]}").contains(
                "outputs.size.classes: the targets of MeanSquaredError are numbers, which have no classes"))
        #expect(
            message(outputs: "kind: {loss: categorical_crossentropy, classes: appearance}").contains(
                "takes one-hot targets, not texts"))
        let open = try job(
            data: "train: {files: a.csv}",
            outputs: "kind: {loss: sparse_categorical_crossentropy, classes: appearance}")
        let found = #expect(throws: JobError.self) { try open.settingClasses([["a", "b", "c", "d"]]) }
        #expect(
            found?.description == "outputs.kind.classes: 4 classes (a, b, c, d), but the output has 3 units")
    }

    @Test func classesOfColumnsThatNobodyReadsAreRefused() {
        let columns = "train: {files: a.csv, columns: {x: [age, sex, port], kind: species}}\nclasses: "
        #expect(
            message(data: columns + "{sxe: [m, f]}").contains(
                "data.classes.sxe: no input reads this column: unknown name \"sxe\"; did you mean \"sex\"?"))
        #expect(
            message(data: columns + "{species: appearance}").contains(
                "data.classes.species: is the target of the output \"kind\"; write outputs.kind.classes"))
        #expect(
            message(data: "train: {files: a.npz}\nclasses: {y: [a, b]}").contains(
                "data.classes.y: no input reads this column: unknown name \"y\""))
    }
}
