import ArgumentParser
import Foundation
import MIOBase
import MIOCommandLine
import MIOConfig
import MIODaemonClient
import MIOFiles
import MIOJob
import MIOMachine

/// `mio submit`
struct SubmitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit",
        abstract: "Gives a job to the daemon, which runs it when cores are free, or gives it to Slurm.",
        discussion: """
            The run's folder is runs/ID beside the job. The same id again is the same run: a script that does not know whether its \
            request arrived asks once more.

              mio submit -n 4 job.yaml --set training.epochs=20
              mio submit -n 4 job.yaml --id monday

            `mio-coordinator serve --runs FOLDER` is the daemon; the job must be below that folder.
            """)

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Processes, called ranks, each with a core.", valueName: "ranks"))
    var number: Int

    @OptionGroup var job: JobOptions

    @Option(
        help: "The run's name: letters, digits, -, _ and . (default: made of the job's name and the time).")
    var id: String?

    @Option(
        help: ArgumentHelp(
            "Slurm's partition, one of the daemon's (default: its first one).", valueName: "name"))
    var partition: String?

    @Option(
        name: .customLong("time"),
        help: ArgumentHelp("Slurm's time limit, as 4:00:00 (default: the daemon's).", valueName: "time"))
    var timeLimit: String?

    @Option(
        help: ArgumentHelp("The daemon's Unix socket (default: \(DaemonPlaces.socket())).", valueName: "path")
    )
    var socket: String?

    func validate() throws {
        guard number > 0 else { throw ValidationError("-n \(number): expected at least 1") }
    }

    func run() throws {
        // A bad job is refused here, and not after it has waited.
        let name = try job.load().name
        guard let real = realpath(job.path, nil) else {
            throw FileError.system("read", job.path, code: errno)
        }
        defer { free(real) }
        let client = DaemonClient(socket: socket ?? DaemonPlaces.socket())
        var request: ConfigDictionary = [
            "id": .string(id ?? Self.makeIdentifier(name)), "job": .string(String(cString: real)),
            "ranks": .integer(number), "settings": .list(job.overrides.map(ConfigValue.string)),
        ]
        request["partition"] = partition.map(ConfigValue.string)
        request["time_limit"] = timeLimit.map(ConfigValue.string)
        let answer = try client.post("/api/v1/runs", .dictionary(request))
        guard case .dictionary(let values) = answer, case .string(let key)? = values["key"],
            case .string(let path)? = values["path"]
        else { throw RunError("the daemon's answer has no key", exitCode: .internalError) }
        let isNew = values["new"] == true
        try StandardStreams.print(
            "\(key)\(isNew ? "" : " is there already"): \(path.shown(most: 300))"
                + (Self.batch(values).map { ", \($0)" } ?? ""))
        if values["state"] == "failed", case .string(let text)? = values["text"] {
            throw RunError("the run has failed: \(text.shown(most: 1000))", exitCode: .badInput)
        }
    }

    /// `job 1234 of Slurm`
    private static func batch(_ answer: ConfigDictionary) -> String? {
        guard case .dictionary(let batch)? = answer["batch"], case .string(let state)? = batch["state"] else {
            return nil
        }
        guard case .string(let job)? = batch["job"] else {
            guard case .string(let reason)? = batch["reason"] else { return nil }
            return "not taken by Slurm yet (\(reason.shown(most: 300)))"
        }
        return "job \(job.shown()) of Slurm, \(state.shown())"
    }

    private static func makeIdentifier(_ name: String) -> String {
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.dateFormat = "yyyyMMdd-HHmmss"
        let letters = name.map {
            $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") ? $0 : "-"
        }
        let start = String(letters.prefix(60)).drop { $0 == "-" }
        let random = String(UInt32.random(in: 0..<0x10000) + 0x10000, radix: 16).dropFirst()
        return (start.isEmpty ? "run" : String(start)) + "-" + format.string(from: Date()) + "-" + random
    }
}
