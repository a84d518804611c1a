import ArgumentParser
import Foundation
import MIOJob

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

    package func load() throws -> Job { try Job.load(path: path, overrides: overrides) }
}
