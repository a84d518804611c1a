import Foundation
import MIOBase
import MIOFiles
import MIORunFolder
import TestFolders
import Testing

@Suite struct JobCopyTests {
    private let folder: TemporaryFolder
    private let job: String

    init() throws {
        folder = try TemporaryFolder()
        job = try folder.write(Array("name: one\n".utf8), to: "job.yaml")
        try Folder.create(folder.path("run"))
    }

    @Test func itKeepsWhatTheFileHeld() throws {
        let copy = try JobCopy(of: job)
        #expect(!copy.isOutdated)
        let path = try copy.write(to: RunFolder(folder.path("run")))
        _ = try folder.write(Array("name: two\n".utf8), to: "job.yaml")
        #expect(copy.isOutdated)
        let read = try #require(try JobCopy(at: path, of: folder.path("./job.yaml")))
        #expect(String(decoding: read.contents, as: UTF8.self) == "name: one\n")
        #expect(read.isOutdated)
        try Folder.remove(job)
        #expect(copy.isOutdated)
    }

    /// A variable may reach a program that was given another job.
    @Test func itIsOfOneFile() throws {
        let path = try JobCopy(of: job).write(to: RunFolder(folder.path("run")))
        #expect(try JobCopy(at: path, of: folder.path("other.yaml")) == nil)
        #expect(throws: FileError.self) { try JobCopy(at: folder.path("none"), of: job) }
    }

    @Test func aSupervisorHandsItOn() {
        let supervised = Supervised(attempt: 2, jobCopy: "/runs/a/job.asked.yaml")
        let variables = Dictionary(supervised.variables.map { ($0.name, $0.value) }) { $1 }
        #expect(Supervised(environment: variables) == supervised)
        #expect(variables[JobCopy.variable] == "/runs/a/job.asked.yaml")
    }
}
