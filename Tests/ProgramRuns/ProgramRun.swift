import Foundation

/// How a program of this package ended, and what it wrote.
public struct ProgramRun: Sendable {
    public let status: Int32
    public let output: String
    public let errors: String

    /// Why a run could not be started; a test that meets it fails.
    public struct StartError: Error, CustomStringConvertible {
        public let description: String
    }

    init(status: Int32, output: String, errors: String) {
        self.status = status
        self.output = output
        self.errors = errors
    }

    /// Runs a command to its end.
    /// - Parameters:
    ///   - command: looked up in PATH unless it is a path.
    ///   - environment: variables to add.
    ///   - folder: the working directory; this process' own without it.
    public init(_ command: [String], adding environment: [String: String] = [:], in folder: String? = nil)
        throws
    {
        self = try StartedProgram(command, adding: environment, in: folder).finish()
    }

    /// A program beside the test bundle, or in the package's release folder.
    public static func path(of program: String) throws -> String {
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
        throw StartError(
            description: "\(program) is in none of \(folders.map(\.path).joined(separator: ", ")): "
                + "build it with `swift build -c release --build-tests`")
    }
}

/// A program at work, to send signals to.
public final class StartedProgram {
    private let process = Process()
    private let folder: URL
    private let files: [URL]

    public init(_ command: [String], adding environment: [String: String] = [:], in directory: String? = nil)
        throws
    {
        let folder = FileManager.default.temporaryDirectory.appending(path: "mio-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        // Files and not pipes: neither fills up while the other is read.
        files = try ["output", "errors"].map { name in
            let file = folder.appending(path: name)
            try Data().write(to: file)
            return file
        }
        self.folder = folder
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        if let directory { process.currentDirectoryURL = URL(filePath: directory) }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: files[0])
        process.standardError = try FileHandle(forWritingTo: files[1])
        try process.run()
    }

    deinit {
        do { try FileManager.default.removeItem(at: folder) } catch { print("left behind: \(error)") }
    }

    public func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    /// What it has written on its standard output so far.
    public func output() throws -> String { try String(contentsOf: files[0], encoding: .utf8) }

    public var isRunning: Bool { process.isRunning }

    /// Waits for its end.
    public func finish() throws -> ProgramRun {
        process.waitUntilExit()
        return ProgramRun(
            status: process.terminationStatus, output: try output(),
            errors: try String(contentsOf: files[1], encoding: .utf8))
    }
}
