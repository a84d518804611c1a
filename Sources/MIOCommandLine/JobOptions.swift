import ArgumentParser
import Foundation
import MIOBase
import MIOJob
import MIORunFolder

/// Which job, with which changes.
package struct JobOptions: ParsableArguments {
    @Argument(help: "The job file; without it $MIO_JOB, else ./job.yaml.", completion: .file())
    package var job: String?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "Overrides a key of the job: --set training.epochs=2. May be repeated.", valueName: "key=value"))
    package var overrides: [String] = []

    package init() {}

    package var path: String {
        let environment = ProcessInfo.processInfo.environment["MIO_JOB"] ?? ""
        return job ?? (environment.isEmpty ? "job.yaml" : environment)
    }

    package func load() throws -> Job {
        try Job.load(path: path, overrides: overrides, contents: try givenCopy()?.contents)
    }

    /// What the job file held when its run was asked for, if whoever started this program says so; else what it holds now.
    /// - Throws: `FileError`
    package func copy() throws -> JobCopy { try givenCopy() ?? JobCopy(of: absolutePath) }

    /// A command line of this program with the job file in it: the next one who runs it may have another `MIO_JOB`.
    /// - Parameter line: the program, the subcommand, and what follows it.
    package func naming(_ line: [String]) -> [String] {
        guard job == nil, path != "job.yaml", line.count > 1 else { return line }
        return line[...1] + [path] + line[2...]
    }

    private func givenCopy() throws -> JobCopy? {
        guard let place = ProcessInfo.processInfo.environment[JobCopy.variable], !place.isEmpty else {
            return nil
        }
        return try JobCopy(at: place, of: absolutePath)
    }

    private var absolutePath: String { URL(fileURLWithPath: path).standardizedFileURL.path }
}
