import Foundation
import MIOBase
import MIOCheck
import MIOComm
import MIOData
import MIOJob
import MIOMachine
import MIORun
import MIOTuning
import TestFolders
import Testing

/// Columns of texts: the numbers that a run gave them hold for all that follows it.
@Suite struct ClassesOfTextsTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try write(
            "job.yaml",
            """
            name: flowers
            model:
              inputs: {x: {shape: [3]}}
              layers:
                - {name: h, class: Dense, inputs: x, units: 8, activation: relu}
                - {name: kind, class: Dense, inputs: h, units: 3, activation: softmax}
                - {name: size, class: Dense, inputs: h, units: 1}
              outputs: [kind, size]
            outputs:
              kind: {loss: sparse_categorical_crossentropy, metrics: [accuracy], classes: appearance}
              size: {loss: mse}
            data:
              train: {files: "train-*.csv", columns: {x: [length, width, color], kind: species}}
              validation: {files: validation.csv}
              classes: {color: appearance}
            optimizer: {class: Adam, learning_rate: 0.05}
            training: {epochs: 8, batch_size: 8}
            """)
        try write("train-1.csv", table(["virginica", "setosa", "versicolor"], ["white", "blue"], rows: 60))
        try write(
            "validation.csv", table(["setosa", "versicolor", "virginica"], ["blue", "white"], rows: 30))
    }

    private func write(_ name: String, _ text: String) throws {
        _ = try folder.write(Array(text.utf8), to: name)
    }

    /// Rows whose length tells the species, which come in turn.
    private func table(_ species: [String], _ colors: [String], rows: Int) -> String {
        let lengths = ["setosa": 1, "versicolor": 0, "virginica": -1]
        return "species,length,width,color,size\n"
            + (0..<rows).map { row in
                let kind = species[row % 3]
                return "\(row % 10 == 9 ? "NA" : kind),\(lengths[kind] ?? 0),\(Float(row % 5) / 5),"
                    + "\(colors[row % 2]),\(Float(row % 7) / 7)\n"
            }.joined()
    }

    private func job(_ overrides: String...) throws -> Job {
        try Job.load(path: folder.path("job.yaml"), overrides: overrides)
    }

    private func session(_ job: Job) throws -> Session {
        try Session(
            job: job, communicator: LoopbackCommunicator(), makeBackend: KernelSelection.native.makeBackend)
    }

    private func train(_ job: Job, resume: ResumeMode = .automatic) throws {
        let outcome = try TrainingRun(session(job), resume: resume).run(
            resume: resume, console: nil, isStopRequested: { false })
        #expect(outcome == .finished)
    }

    private var recorded: [[String]]? {
        get throws {
            let text = try String(contentsOfFile: folder.path("runs/flowers/job.yaml"), encoding: .utf8)
            return try job().classes(in: text)
        }
    }

    private func accuracy(_ job: Job) throws -> Double {
        let evaluation = try Evaluation.run(session(job), data: .part("validation"))
        let index = try #require(evaluation.names.firstIndex(of: "kind_accuracy"))
        return evaluation.values[index]
    }

    @Test func theOrderOfTheFirstRunHolds() throws {
        try train(job())
        let first = [["virginica", "setosa", "versicolor"], ["white", "blue"]]
        #expect(try recorded == first)
        #expect(try accuracy(job()) > 0.9)
        // A shard that is listed earlier begins with another species and color.
        try write("train-0.csv", table(["versicolor", "virginica", "setosa"], ["blue", "white"], rows: 30))
        try write("train-1.csv", table(["virginica", "setosa", "versicolor"], ["white", "blue"], rows: 30))
        try train(job("training.epochs=9"))
        #expect(try recorded == first)
        #expect(try accuracy(job()) > 0.9)
        // Over again, the order is found anew.
        try train(job(), resume: .never)
        #expect(try recorded == [["versicolor", "virginica", "setosa"], ["blue", "white"]])
        #expect(try accuracy(job()) > 0.9)
    }

    @Test func predictionsNameTheClasses() throws {
        try train(job())
        let path = folder.path("out.npz")
        _ = try Prediction.run(session(job()), data: .part("validation"), to: path)
        #expect(try NpzFile(path: path).arrayNames == ["kind", "size", "kind_classes"])
        let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        #expect(
            bytes.firstRange(of: Array("{'descr': '<U10', 'fortran_order': False, 'shape': (3,), }".utf8))
                != nil)
        var names: [UInt8] = []
        for name in ["virginica", "setosa", "versicolor"] {
            let scalars = name.utf8 + [UInt8](repeating: 0, count: 10 - name.utf8.count)
            for byte in scalars { names += [byte, 0, 0, 0] }
        }
        #expect(bytes.firstRange(of: names) != nil)
    }

    @Test func weightsWithoutTheirRunHaveNoClasses() throws {
        try train(job())
        let weights = folder.path("elsewhere/w.safetensors")
        try FileManager.default.createDirectory(
            atPath: folder.path("elsewhere"), withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            atPath: folder.path("runs/flowers/model.safetensors"), toPath: weights)
        #expect(throws: Never.self) {
            _ = try Evaluation.run(session(job()), data: .part("validation"), weights: .path(weights))
        }
        let other = try job("run_directory=runs/other")
        let error = #expect(throws: (any Error).self) {
            _ = try Evaluation.run(session(other), data: .part("validation"), weights: .path(weights))
        }
        #expect(
            "\(try #require(error))".contains(
                "outputs.kind.classes: appearance: the list of texts is not in ")
        )
        // A checkpoint has its run's.
        let checkpoint = folder.path("runs/flowers/checkpoints/step-000000064")
        #expect(throws: Never.self) {
            _ = try Evaluation.run(session(other), data: .part("validation"), weights: .path(checkpoint))
        }
    }

    @Test func aCheckCountsTheTexts() throws {
        func check() throws -> JobCheck {
            JobCheck(
                try job(), ranks: 1, cores: MachineCores(threads: 2, cores: 2),
                backend: try KernelSelection.native.makeBackend(threads: 1))
        }
        let good = try check()
        #expect(good.findings.errors == [])
        #expect(good.report.contains("54 of 60 labelled (90 %)"), "\(good.report)")
        #expect(good.report.contains("classes virginica: 18, setosa: 18, versicolor: 18"), "\(good.report)")
        try write("train-2.csv", table(["setosa", "tulip", "rose"], ["white", "blue"], rows: 30))
        let bad = try check()
        #expect(
            bad.findings.errors.map(\.message) == [
                "outputs.kind.classes: 5 classes (virginica, setosa, versicolor, tulip, rose), but the output has 3 units"
            ])
        #expect(bad.exitCode == .badInput)
        try write("train-2.csv", "")
        #expect(
            try check().findings.errors.map(\.message) == [
                "\(folder.path("train-2.csv")): the file is empty (0 bytes)"
            ])
    }

    /// Weights of one order would take one class for another.
    @Test func anotherOrderOfTheSameTextsIsRefused() throws {
        try train(job())
        let path = folder.path("runs/flowers/job.yaml")
        let words =
            "outputs.kind.classes: \"setosa\" is class 0, but class 1 of the run that has the weights: virginica, setosa, "
            + "versicolor, as \(path) says; write that order"
        func told(_ job: Job, _ body: () throws -> Void) throws -> String {
            "\(try #require(#expect(throws: (any Error).self) { try body() }))"
        }
        let other = try job("outputs.kind.classes=[setosa, virginica, versicolor]", "training.epochs=9")
        #expect(try told(other) { try train(other) } == words + ", or start over with --resume never")
        #expect(try told(other) { _ = try accuracy(other) } == words)
        #expect(
            try told(other) {
                _ = try Prediction.run(session(other), data: .part("validation"), to: folder.path("p.npz"))
            } == words)
        let check = JobCheck(
            other, ranks: 1, cores: MachineCores(threads: 2, cores: 2),
            backend: try KernelSelection.native.makeBackend(threads: 1))
        #expect(check.findings.errors.map(\.message) == [words + ", or start over with --resume never"])
        let colors = try job("data.classes.color=[blue, white]")
        #expect(
            try told(colors) { _ = try accuracy(colors) }
                .hasPrefix("data.classes.color: \"blue\" is class 0, but class 1 of the run"))
        // The run's own order, a text more, and another run are no change of numbers.
        let same = try job(
            "outputs.kind.classes=[virginica, setosa, versicolor]", "data.classes.color=[white, blue, red]")
        #expect(try accuracy(same) > 0.9)
        try train(job("outputs.kind.classes=[setosa, virginica, versicolor]", "run_directory=runs/other"))
        try train(other, resume: .never)
    }

    /// Its lists are read from plain files only, and an empty record has none.
    @Test(arguments: ["FIFO", "empty", "no text"]) func aRecordThatCannotBeReadIsTold(how: String) throws {
        try train(job())
        let path = folder.path("runs/flowers/job.yaml")
        try FileManager.default.removeItem(atPath: path)
        switch how {
        case "FIFO": #expect(mkfifo(path, 0o600) == 0)
        case "empty": try write("runs/flowers/job.yaml", "")
        default: _ = try folder.write([0xff, 0], to: "runs/flowers/job.yaml")
        }
        let error = #expect(throws: (any Error).self) { _ = try accuracy(job()) }
        #expect(
            "\(try #require(error))".contains(
                "outputs.kind.classes: appearance: the list of texts is not in \(path)"))
        guard how != "FIFO" else { return }
        let listed = try job(
            "outputs.kind.classes=[virginica, setosa, versicolor]", "data.classes.color=[white, blue]")
        let check = JobCheck(
            listed, ranks: 1, cores: MachineCores(threads: 2, cores: 2),
            backend: try KernelSelection.native.makeBackend(threads: 1))
        let reason = how == "empty" ? "the file is empty" : "is not UTF-8 text"
        #expect(
            check.findings.warnings.contains(
                "\(path): cannot be compared with this job, which replaces it: \(reason)"),
            "\(check.findings.warnings)")
    }

    @Test func anUnknownTextIsNamed() throws {
        try train(job())
        try write(
            "validation.csv", table(["setosa", "versicolour", "virginica"], ["blue", "white"], rows: 30))
        let error = #expect(throws: (any Error).self) {
            _ = try Evaluation.run(session(job()), data: .part("validation"))
        }
        #expect(
            "\(try #require(error))".hasSuffix(
                "validation.csv:3: column \"species\" holds \"versicolour\", which is not one of its 3 classes; the nearest is "
                    + "\"versicolor\"; they are virginica, setosa, versicolor"))
    }
}
