import Foundation
import MIOConfig

/// A run of one of the package's programs that prints a line of JSON.
struct ProgramRun {
    let status: Int32
    let output: String
    let errors: String

    struct Failure: Error, CustomStringConvertible { let description: String }

    /// - Parameter ranks: under mpirun; `nil` for alone.
    init(_ program: String, _ arguments: [String], ranks: Int? = nil) throws {
        var command = [try Self.path(of: program)] + arguments
        if let ranks {
            command = ["mpirun", "--timeout", "120", "--oversubscribe", "-n", "\(ranks)"] + command
        }
        let folder = FileManager.default.temporaryDirectory.appending(path: "mio-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let files = try ["output", "errors"].map { name in
            let file = folder.appending(path: name)
            try Data().write(to: file)
            return file
        }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.environment = ProcessInfo.processInfo.environment.merging(
            [
                "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
                "OMPI_MCA_mpi_yield_when_idle": "1",
            ]) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: files[0])
        process.standardError = try FileHandle(forWritingTo: files[1])
        try process.run()
        process.waitUntilExit()
        status = process.terminationStatus
        output = try String(contentsOf: files[0], encoding: .utf8)
        errors = try String(contentsOf: files[1], encoding: .utf8)
    }

    /// The JSON object that was printed, to be read key by key.
    func json() throws -> ConfigReader {
        guard status == 0, let line = output.split(separator: "\n").last(where: { $0.hasPrefix("{") }) else {
            throw Failure(description: "exit code \(status)\n\(output)\n\(errors)")
        }
        return try ConfigReader(ConfigValue(json: Data(line.utf8)), at: ConfigPath())
    }

    /// The program beside the test bundle, or in the package's release folder.
    private static func path(of program: String) throws -> String {
        let package = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
            .standardized
        let folders = [
            Bundle.main.executableURL?.resolvingSymlinksInPath().deletingLastPathComponent(),
            URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent(),
            package.appending(path: ".build/release"),
        ].compactMap { $0 }
        for folder in folders {
            let path = folder.appending(path: program).path
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        throw Failure(
            description: "\(program) is in none of \(folders.map(\.path).joined(separator: ", ")): "
                + "build it with `swift build -c release --build-tests`")
    }
}
