import Foundation
import MIOJob
import MIORun
import SmallJobs
import Testing

/// Files that two parts of a job have, or one part twice.
@Suite struct SharedFilesTests {
    private let small: SmallJob
    init() throws { small = try SmallJob() }

    private func warnings(_ overrides: String...) throws -> [String] {
        SharedFiles.warnings(try Job.load(path: small.path("job.yaml"), overrides: overrides))
    }

    private func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(
            atPath: small.path(name), withDestinationPath: small.path(target))
    }

    private static let learns =
        ": losses and metrics of data.validation are of samples that the model learns from"

    @Test func differentFilesAreNot() throws {
        #expect(try warnings() == [])
        // A copy is another file.
        try FileManager.default.copyItem(atPath: small.path("train.npz"), toPath: small.path("copy.npz"))
        #expect(try warnings("data.validation.files=copy.npz") == [])
        // Files that are not there are told of elsewhere.
        #expect(try warnings("data.validation.files=none.npz") == [])
    }

    @Test func trainingDataForValidation() throws {
        #expect(
            try warnings("data.validation.files=./train.npz") == [
                "data.validation: \(small.path("./train.npz")) is also a file of data.train, there named "
                    + small.path("train.npz") + Self.learns
            ])
        #expect(
            try warnings("data.validation.files=[train.npz, test.npz]", "data.test.files=validation.npz") == [
                "data.validation: \(small.path("train.npz")) is also a file of data.train" + Self.learns
            ])
    }

    @Test func links() throws {
        try link("link.npz", to: "train.npz")
        #expect(
            try warnings("data.validation.files=link.npz") == [
                "data.validation: \(small.path("link.npz")) is also a file of data.train, there named "
                    + small.path("train.npz") + Self.learns
            ])
        #expect(
            try warnings("data.train.files=[train.npz, link.npz]") == [
                "data.train: \(small.path("link.npz")) is the same file as \(small.path("train.npz")); its samples are "
                    + "read twice"
            ])
        #expect(Foundation.link(small.path("test.npz"), small.path("hard.npz")) == 0)
        #expect(
            try warnings("data.validation.files=[hard.npz, link.npz, validation.npz]") == [
                "data.validation: \(small.path("link.npz")) is also a file of data.train, there named "
                    + small.path("train.npz") + Self.learns,
                "data.test: \(small.path("test.npz")) is also a file of data.validation, there named "
                    + small.path("hard.npz"),
            ])
    }

    @Test func severalAreCounted() throws {
        #expect(
            try warnings(
                "data.train.files=[train.npz, validation.npz, test.npz]", "data.validation.files=\"*.npz\"",
                "data.test=null")
                == [
                    "data.validation: \(small.path("test.npz")) is also a file of data.train, and so are 2 others"
                        + Self.learns
                ])
    }
}
