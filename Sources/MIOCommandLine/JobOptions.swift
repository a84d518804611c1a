import ArgumentParser
import Foundation
import MIOJob

/// Which job, with which changes.
public struct JobOptions: ParsableArguments {
    @Argument(help: "The job file; without it $MIO_JOB, else ./job.yaml.", completion: .file())
    public var job: String?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "Overrides a key of the job: --set training.epochs=2. May be repeated.", valueName: "key=value"))
    public var overrides: [String] = []

    public init() {}

    public var path: String {
        let environment = ProcessInfo.processInfo.environment["MIO_JOB"] ?? ""
        return job ?? (environment.isEmpty ? "job.yaml" : environment)
    }

    public func load() throws -> Job { try Job.load(path: path, overrides: overrides) }
}
