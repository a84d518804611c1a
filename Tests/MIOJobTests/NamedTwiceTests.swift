import Foundation
import MIOBase
import MIOJob
import Testing

/// What a job names twice would be taken once.
@Suite struct NamedTwiceTests {
    @Test(arguments: [
        ("data.train.files=[a.npz, b.npz, a.npz]", "data.train.files: names \"a.npz\" twice; keep one"),
        (
            "data.train.columns={metadata: [age, size, age]}",
            "data.train.columns.metadata: names \"age\" twice; keep one"
        ),
        (
            "outputs.kind.metrics=[accuracy, accuracy]",
            "outputs.kind.metrics[1]: logs already have a \"kind_accuracy\""
        ),
        ("model.outputs=[kind, box, kind]", "two outputs have this name"),
        ("data.train.files={image: [x.npy, x.npy], metadata: m.npy, kind: k.npy}", "names \"x.npy\" twice"),
    ]) func isRefused(override: String, message: String) {
        let error = #expect(throws: JobError.self) { try Garments.job(overrides: [override]) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }

    /// Comparing each glob with all before it took half a minute for so many.
    @Test func manyFilesAreNamedAtOnce() throws {
        let names = (0..<50_000).map { "some/folder/of/shards/train-\($0).npz" }.joined(separator: ", ")
        var warnings: [String]?
        let time = try ContinuousClock().measure {
            warnings = try Garments.job(overrides: ["data.train.files=[\(names)]"]).warnings
        }
        #expect(warnings == [])
        #expect(time < .seconds(6))
    }

    @Test func aKeyThatIsNotUsedIsTold() throws {
        let job = try Garments.job(overrides: ["training.virtual_shards=16"])
        #expect(
            job.warnings.contains { $0.hasPrefix("training.virtual_shards: 16 is used only with") })
        #expect(
            try Garments.job(overrides: ["training.virtual_shards=16", "training.reproducible=strict"])
                .warnings == [])
    }

    /// A resolved job names its run's folder: the copy of that folder goes on with the original.
    @Test(arguments: ["", " of: it's #1"]) func theCopyOfARunIsTold(ending: String) throws {
        let folder = FileManager.default.temporaryDirectory.path + "/mio-copy-\(UUID().uuidString)\(ending)"
        try FileManager.default.createDirectory(
            atPath: folder + "/checkpoints", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let text = try Garments.job(overrides: ["run_directory=/somewhere/runs/garments"]).resolvedYAML
        #expect(try Job(yaml: text, folder: folder).warnings == [])
        try Data().write(to: URL(filePath: folder + "/metrics.jsonl"))
        let warnings = try Job(yaml: text, folder: folder).warnings
        #expect(warnings.count == 1)
        #expect(warnings.first?.contains("names another, /somewhere/runs/garments: that one is used") == true)
        // As a shell hands it over, the advice helps: the run's own record is no copy.
        let advice = try #require(warnings.first?.split(separator: " add --set ").last)
        let shell = Process()
        let output = Pipe()
        shell.executableURL = URL(filePath: "/bin/sh")
        shell.arguments = ["-c", "printf %s \(advice)"]
        shell.standardOutput = output
        try shell.run()
        let override = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        shell.waitUntilExit()
        #expect(override.hasPrefix("run_directory=") && (ending != "" || override.hasSuffix(folder)))
        #expect(try Job(yaml: text, folder: folder, overrides: [override]).warnings == [])
    }
}
