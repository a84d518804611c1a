import Foundation
import MIOBase
import MIOJob
import MIORun
import SmallJobs
import Testing

/// Where callbacks may write; `JobCheckTests` holds what they may not replace.
@Suite struct CallbackFilesTests {
    private let small: SmallJob
    init() throws { small = try SmallJob() }

    private func refusal(_ callback: String, isConfined: Bool) throws -> String? {
        let job = try Job.load(
            path: small.path("job.yaml"), overrides: ["callbacks=[{class: \(callback)}]"])
        do throws(RunError) {
            try CallbackFiles.verify(job, isConfined: isConfined)
            return nil
        } catch {
            #expect(error.exitCode == .badInput)
            return error.message
        }
    }

    @Test(arguments: [
        ("CSVLogger, filename: ../x.csv", "callbacks[0].filename: ../x.csv"),
        ("CSVLogger, filename: a/../../x.csv", "callbacks[0].filename: a/../../x.csv"),
        (
            "ModelCheckpoint, monitor: loss, filepath: \"../{epoch}.safetensors\"",
            "callbacks[0].filepath: ../{epoch}.safetensors"
        ),
    ]) func relativePathsStayInTheFolder(callback: String, words: String) throws {
        let free = try refusal(callback, isConfined: false)
        #expect(
            free == words + " leads out of the run's folder; write an absolute path if it is meant")
        let confined = try refusal(callback, isConfined: true)
        #expect(
            confined?.hasPrefix(words + " leads out of the run's folder, where callbacks of a run") == true)
        #expect(confined?.contains("absolute") == false)
    }

    @Test func absolutePathsAreTheOwners() throws {
        let callback = "CSVLogger, filename: \(small.path("x.csv"))"
        #expect(try refusal(callback, isConfined: false) == nil)
        #expect(try refusal(callback, isConfined: true) != nil)
        for isConfined in [false, true] {
            #expect(try refusal("CSVLogger", isConfined: isConfined) == nil)
            #expect(try refusal("CSVLogger, filename: a/b.csv", isConfined: isConfined) == nil)
            let own = "CSVLogger, filename: \(small.path("runs/small/x.csv"))"
            #expect(try refusal(own, isConfined: isConfined) == nil)
        }
    }

    /// A link in the run's folder leads out of it as well.
    @Test func linksLeadOutToo() throws {
        try FileManager.default.createDirectory(
            atPath: small.path("runs/small"), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: small.path("runs/small/out"), withDestinationPath: small.folder.path)
        let callback = "CSVLogger, filename: out/x.csv"
        #expect(try refusal(callback, isConfined: false) == nil)
        #expect(try refusal(callback, isConfined: true) != nil)
    }
}
