import ArgumentParser
import Foundation
import MIOBase
import MIOFiles
import MIOJob
import MIORunFolder

/// A run that a command is about: its folder, its name in `runs`, or its job file.
struct RunArgument: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "The run's folder, its name in ./runs, or its job file.", valueName: "run"), completion: .file())
    var run: String

    func folder() throws -> RunFolder { try Self.folder(run) }

    /// - Throws: `RunError`, exit code 66: there is no such run.
    static func folder(_ text: String) throws -> RunFolder {
        let places = [text, Folder.join("runs", text)]
        for place in places where Folder.isFolder(place) {
            let path = URL(fileURLWithPath: place).standardizedFileURL.path
            let folder = RunFolder(path)
            if folder.isRun { return folder }
        }
        if text.hasSuffix(".yaml") || text.hasSuffix(".yml"), Folder.exists(text) {
            let folder = RunFolder(try Job.load(path: text).runDirectory)
            if folder.isRun { return folder }
            throw RunError(
                "\(shown: text): its run has not begun, there is no \(folder.path.shown(most: 300))",
                exitCode: .missingInput)
        }
        throw RunError(
            "\(shown: text): no run; expected a run's folder, its name in ./runs, or its job file",
            exitCode: .missingInput)
    }
}
