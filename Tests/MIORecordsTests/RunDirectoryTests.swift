import Foundation
import MIOBase
import MIORecords
import TestFolders
import Testing

@Suite struct RunDirectoryTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func isCreatedWithWhatItHolds() throws {
        let run = try RunDirectory(folder.path("runs/garments"))
        #expect(run.warning == nil)
        try run.writeJob("seed: 0\n")
        try run.writeJob("seed: 1\n")
        #expect(try folder.bytes(of: "runs/garments/job.yaml") == Array("seed: 1\n".utf8))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: run.path).sorted()
                == [".lock", "checkpoints", "job.yaml"])
        #expect(run.metricsPath == folder.path("runs/garments/metrics.jsonl"))
        #expect(run.checkpointsPath == folder.path("runs/garments/checkpoints"))
        #expect(run.weightsPath == folder.path("runs/garments/model.safetensors"))
    }

    @Test func twoRunsCannotShareOne() throws {
        func hold() throws {
            let run = try RunDirectory(folder.path("run"))
            let error = #expect(throws: FileError.self) { try RunDirectory(run.path) }
            #expect(error?.exitCode == .inputOutput)
            #expect(
                error?.description
                    == "cannot use the run directory \(run.path): another run holds it: process \(getpid()) on "
                    + "\(ProcessInfo.processInfo.hostName); wait for it to end, stop it, or set another "
                    + "run_directory")
        }
        try hold()
        _ = try RunDirectory(folder.path("run"))
    }

    /// What a check asks without touching anything: the same words.
    @Test func whoHoldsItIsToldWithoutTakingIt() throws {
        try RunDirectory.verifyUsable(folder.path("run"))
        #expect(try folder.names() == [])
        func hold() throws {
            let run = try RunDirectory(folder.path("run"))
            let error = #expect(throws: FileError.self) { try RunDirectory.verifyUsable(run.path) }
            let refused = #expect(throws: FileError.self) { try RunDirectory(run.path) }
            #expect(error == refused)
            #expect(error?.description.contains("process \(getpid()) on ") == true)
        }
        try hold()
        try RunDirectory.verifyUsable(folder.path("run"))
    }

    /// Removed, moved away, or another in its place: nothing that is written there afterwards would be of this run.
    @Test(arguments: ["remove", "move", "replace"]) func aFolderThatVanishesIsTold(how: String) throws {
        let run = try RunDirectory(folder.path("run"))
        try run.verifyPresent()
        var store = run.checkpoints(keep: 1)
        if how == "remove" {
            try FileManager.default.removeItem(atPath: run.path)
        } else {
            try FileManager.default.moveItem(atPath: run.path, toPath: folder.path("moved"))
        }
        if how == "replace" {
            try FileManager.default.createDirectory(atPath: run.path, withIntermediateDirectories: true)
        }
        let error = #expect(throws: FileError.self) { try run.verifyPresent() }
        #expect(error?.exitCode == .inputOutput)
        #expect(error?.description.contains("it was removed or moved while the run was at work") == true)
        #expect(throws: FileError.self) { try store.write(sampleCheckpoint(step: 1)) }
        #expect(!FileManager.default.fileExists(atPath: run.checkpointsPath))
    }

    @Test func whatAKilledRunLeftHalfWrittenIsRemoved() throws {
        _ = try RunDirectory(folder.path("run"))
        for name in [
            ".model.safetensors.tmp-7", ".job.yaml.tmp-7", ".predictions.npz.tmp-7", ".mine",
            ".model.keras.tmp-7", ".model.keras.h5.tmp-7",
        ] {
            _ = try folder.write([1], to: "run/\(name)")
        }
        let run = try RunDirectory(folder.path("run"))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: run.path).sorted()
                == [".lock", ".mine", ".predictions.npz.tmp-7", "checkpoints"])
    }

    @Test func aFileInTheWayIsAnError() throws {
        let path = try folder.write([], to: "run")
        for wanted in [path, path + "/inside"] {
            let error = #expect(throws: FileError.self) { try RunDirectory(wanted) }
            #expect(
                error?.description
                    == "cannot create the folder \(wanted): Not a directory; a file is in the way where a folder "
                    + "was expected")
            #expect(#expect(throws: FileError.self) { try RunDirectory.verifyUsable(wanted) } == error)
        }
        _ = try RunDirectory(folder.path("other"))
        try FileManager.default.removeItem(atPath: folder.path("other/checkpoints"))
        _ = try folder.write([], to: "other/checkpoints")
        #expect(throws: FileError.self) { try RunDirectory(folder.path("other")) }
        // The failed attempt holds nothing.
        try FileManager.default.removeItem(atPath: folder.path("other/checkpoints"))
        _ = try RunDirectory(folder.path("other"))
    }

    /// A run's files are written at its beginning and its end: what is in their way is told before.
    @Test(arguments: ["job.yaml", "model.safetensors"], [false, true])
    func whatCannotBeReplacedIsAnError(name: String, isFolder: Bool) throws {
        _ = try RunDirectory(folder.path("run"))
        let path = folder.path("run/\(name)")
        if isFolder {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            _ = try folder.write([1], to: "run/\(name)/mine")
        } else {
            #expect(mkfifo(path, 0o600) == 0)
        }
        let error = #expect(throws: FileError.self) { try RunDirectory(folder.path("run")) }
        #expect(
            error?.description
                == "cannot replace \(path): "
                + (isFolder
                    ? "Is a directory; a folder is in the way"
                    : "not a plain file but a FIFO (named pipe); choose another name"))
        #expect(error?.exitCode == .inputOutput)
        #expect(
            #expect(throws: FileError.self) { try RunDirectory.verifyUsable(folder.path("run")) } == error)
        #expect(FileManager.default.fileExists(atPath: path))
    }

    @Test(arguments: ["run", "a/b"]) func aNameThatIsTooLongIsAnError(above: String) throws {
        let path = folder.path("\(above)/" + String(repeating: "n", count: 300))
        let error = #expect(throws: FileError.self) { try RunDirectory.verifyUsable(path) }
        #expect(error?.description.hasSuffix(": File name too long") == true, "\(String(describing: error))")
        #expect(#expect(throws: FileError.self) { try RunDirectory(path) } == error)
    }

    @Test func aPlaceThatCannotBeWrittenIsAnError() throws {
        // No user, root included, may create a folder there.
        let error = #expect(throws: FileError.self) { try RunDirectory("/proc/mio-run") }
        #expect(error?.description.hasPrefix("cannot create the folder /proc/mio-run: ") == true)
        #expect(#expect(throws: FileError.self) { try RunDirectory.verifyUsable("/proc/mio-run") } == error)
        for path in ["/proc/mio-run/a/b", "/proc", "/sys/mio-run", "/dev/null/run"] {
            let error = #expect(throws: FileError.self) { try RunDirectory(path) }
            #expect(#expect(throws: FileError.self) { try RunDirectory.verifyUsable(path) } == error)
        }
        try RunDirectory.verifyUsable(folder.path("a/b/c"))
        #expect(try folder.names() == [])
        #expect(error?.exitCode == .inputOutput)
    }
}
