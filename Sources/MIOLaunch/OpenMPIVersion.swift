import Foundation

/// Which Open MPI's `mpirun` is at hand: its options and its words are not the same in all versions.
package enum OpenMPIVersion {
    /// The major version of the `mpirun` in `PATH`, which is asked for it: some 10 milliseconds.
    /// - Returns: `nil` if there is none, or it is not Open MPI's.
    package static func installed() -> Int? {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["mpirun", "--version"]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return major(in: String(decoding: data, as: UTF8.self))
    }

    /// 5 in `mpirun (Open MPI) 5.0.7`.
    package static func major(in text: String) -> Int? {
        text.firstMatch(of: #/\(Open MPI\) ([0-9]+)\./#).flatMap { Int($0.1) }
    }
}
