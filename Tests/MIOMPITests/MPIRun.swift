import Foundation

/// A real `mpirun` of the program `mio-communication-check`.
struct MPIRun {
    let status: Int32
    let output: String
    let errors: String

    /// Why a run could not be started; a test that meets it fails.
    struct StartError: Error, CustomStringConvertible {
        let description: String
    }

    /// - Parameter shell: commands for `sh` that each rank runs in the program's stead; `$0` is the program.
    init(ranks: Int, _ arguments: [String], shell: String? = nil) throws {
        let program = try Self.program()
        let command = shell.map { ["sh", "-c", $0, program.path] } ?? [program.path] + arguments
        try self.init(
            // A hang ends after a minute, with a message and a status other than 0.
            ["mpirun", "--timeout", "60", "--oversubscribe", "-n", "\(ranks)"] + command,
            adding: [
                "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
                "OMPI_MCA_mpi_yield_when_idle": "1",
            ])
    }

    /// The program alone, without a launcher.
    init(alone arguments: [String], adding environment: [String: String] = [:]) throws {
        try self.init([Self.program().path] + arguments, adding: environment)
    }

    private init(_ command: [String], adding environment: [String: String]) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "mio-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        // Files and not pipes: neither fills up while the other is read.
        let files = try ["output", "errors"].map { name in
            let file = folder.appending(path: name)
            try Data().write(to: file)
            return file
        }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: files[0])
        process.standardError = try FileHandle(forWritingTo: files[1])
        try process.run()
        process.waitUntilExit()
        status = process.terminationStatus
        output = try String(contentsOf: files[0], encoding: .utf8)
        errors = try String(contentsOf: files[1], encoding: .utf8)
        try FileManager.default.removeItem(at: folder)
    }

    /// The program beside the test bundle, or in the package's release folder.
    private static func program() throws -> URL {
        let name = "mio-communication-check"
        let package = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
            .standardized
        let folders = [
            Bundle.main.executableURL?.resolvingSymlinksInPath().deletingLastPathComponent(),
            URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent(),
            package.appending(path: ".build/release"),
        ].compactMap { $0 }
        for folder in folders {
            let program = folder.appending(path: name)
            if FileManager.default.isExecutableFile(atPath: program.path) { return program }
        }
        throw StartError(
            description: "\(name) is in none of \(folders.map(\.path).joined(separator: ", ")): "
                + "build it with `swift build -c release --build-tests`")
    }
}
