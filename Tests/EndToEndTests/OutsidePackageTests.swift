import Foundation
import ProcessSupport
import TestFolders
import Testing

extension EndToEndTests {
    /// A package of a user's own, built as its user builds it: it depends on mio by a path, and its programs import MIO and
    /// nothing else.
    @Suite struct OutsidePackageTests {
        private static let package = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../OutsidePackage").standardized.path
        private static let buildFolder = package + "/.build"

        /// Once for all tests; what an earlier build has left is used.
        private static let built = Result {
            let outcome = try SpawnedProcess(
                ["swift", "build", "--package-path", package, "--build-path", buildFolder]
            ).wait(atMost: 1800)
            guard outcome.status == 0 else {
                throw SpawnedProcess.Failure("swift build: \(outcome.output)\n\(outcome.errors)")
            }
        }

        /// - Parameter ranks: `nil` for a process without a launcher.
        private func run(_ program: String, _ arguments: [String] = [], ranks: Int? = nil) throws
            -> SpawnedProcess.Outcome
        {
            try Self.built.get()
            var command = [Self.buildFolder + "/debug/" + program] + arguments
            if let ranks { command = ["mpirun", "-n", "\(ranks)"] + command }
            return try SpawnedProcess(command, environment: MPIEnvironment.variables).wait(atMost: 300)
        }

        @Test func theTutorialTrainsAndIsTheOneInTheDocumentation() throws {
            let outcome = try run("tutorial")
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.output.contains("Model: \"functional\""))
            #expect(outcome.output.contains("Total params: 99"))
            let last = try #require(
                outcome.output.split(separator: "\n").last { $0.hasPrefix("epoch 20: ") })
            let accuracy = try #require(last.firstMatch(of: #/side_accuracy ([0-9.]+)/#)?.1)
            #expect(try #require(Double(accuracy)) > 0.9)

            let program = try String(
                contentsOfFile: Self.package + "/Sources/tutorial/main.swift", encoding: .utf8)
            let article = try String(
                contentsOfFile: Self.package + "/../../Sources/MIO/MIO.docc/TrainFromArrays.md",
                encoding: .utf8)
            #expect(article.contains("```swift\n\(program)```"))
        }

        @Test func aModelTrainsInMemoryAsWellOnTwoRanks() throws {
            let folder = try TemporaryFolder()
            let alone = try run("in-memory", [folder.path("weights.safetensors")])
            #expect(alone.status == 0, "\(alone.errors)")
            #expect(alone.output.contains("ranks: 1"))
            let together = try run("in-memory", [folder.path("weights-2.safetensors")], ranks: 2)
            #expect(together.status == 0, "\(together.errors)")
            #expect(together.output.contains("ranks: 2"))
            // The numbers of ranks change no more than the rounding of sums.
            let (one, two) = (numbers(in: alone.output), numbers(in: together.output))
            #expect(one.count == two.count && one.count > 20)
            for (first, second) in zip(one.dropLast(), two.dropLast()) {
                // Four digits are shown, and one of them may be rounded the other way.
                #expect(abs(first - second) <= 2e-3 * max(1, abs(first)), "\(first), \(second)")
            }
            let errors = MPIEnvironment.programErrors(together.errors)
            #expect(errors.isEmpty, "\(errors)")
        }

        @Test func aRunWithAFolderContinuesAndItsWeightsPredict() throws {
            let folder = try TemporaryFolder()
            let first = try run("in-folder", [folder.path, "2"], ranks: 2)
            #expect(first.status == 0, "\(first.errors)")
            #expect(first.output.contains("epochs: [1, 2]"))
            let second = try run("in-folder", [folder.path, "3"])
            #expect(second.status == 0, "\(second.errors)")
            #expect(second.output.contains("epochs: [3]"))
            #expect(FileManager.default.fileExists(atPath: folder.path("predictions.npz")))
            let whole = try TemporaryFolder()
            let third = try run("in-folder", [whole.path, "3"], ranks: 3)
            #expect(third.output.contains("epochs: [1, 2, 3]"))
            let (one, two) = (numbers(in: second.output), numbers(in: third.output))
            for (first, second) in zip(one.suffix(4), two.suffix(4)) {
                #expect(abs(first - second) < 1e-3, "\(one), \(two)")
            }
        }

        @Test(arguments: [
            ("graph", Int32(65), "mio: "),
            ("name", 65, "mio: the training samples: no array \"input\"; the nearest is \"inptu\""),
            ("not-a-number", 65, "mio: the training samples: input \"input\": 1 value is NaN or infinite"),
            ("lengths", 65, "mio: the training samples: array \"answer\": 1 rows, but array \"input\" has 2"),
            ("shape", 65, "mio: an array in memory: 3 elements cannot be cut into samples of shape (2,)"),
            ("weights", 66, "mio: /nonexistent/weights.safetensors: no such file or folder"),
        ])
        func anErrorThatLeavesTheTopLevelIsToldInOneMessage(
            _ word: String, _ status: Int32, _ message: String
        ) throws {
            for ranks in [nil, 2] {
                let outcome = try run("failing", [word], ranks: ranks)
                let errors = MPIEnvironment.programErrors(outcome.errors).filter { $0.hasPrefix("mio: ") }
                #expect(outcome.status == status, "\(outcome.errors)")
                #expect(errors.count == 1 && errors[0].hasPrefix(message), "\(outcome.errors)")
                #expect(!outcome.errors.contains("Fatal error"))
            }
        }

        @Test func anErrorOfOneRankAloneEndsAll() throws {
            let outcome = try run("failing", ["alone"], ranks: 2)
            #expect(outcome.status == 65, "\(outcome.errors)")
            #expect(
                outcome.errors.contains("mio: rank 1: an array in memory: 1 element"), "\(outcome.errors)")
        }

        @Test func anErrorOfTheProgramIsToldBySwift() throws {
            let outcome = try run("failing", ["own"])
            #expect(outcome.status == 128 + SIGILL || outcome.status == 128 + SIGTRAP)
            #expect(outcome.errors.contains("OwnError"))
        }

        private func numbers(in text: String) -> [Double] {
            text.matches(of: #/-?[0-9]+(?:\.[0-9]+)?(?:e-?[0-9]+)?/#).compactMap { Double($0.0) }
        }
    }
}
