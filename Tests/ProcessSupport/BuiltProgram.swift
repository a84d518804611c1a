import Foundation

/// A program of this package, built together with the tests.
package enum BuiltProgram {
    /// Why a program cannot be started; a test that meets it fails.
    package struct NotFound: Error, CustomStringConvertible {
        package let description: String
    }

    /// The folder of this package.
    package static let repository = URL(filePath: #filePath).deletingLastPathComponent().appending(
        path: "../.."
    )
    .standardized.path

    /// The path of the program beside the test bundle, or in the package's release folder.
    /// - Throws: `NotFound`
    package static func path(_ name: String) throws(NotFound) -> String {
        let folders = [
            Bundle.main.executableURL?.resolvingSymlinksInPath().deletingLastPathComponent(),
            URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent(),
            URL(filePath: repository + "/.build/release"),
        ].compactMap { $0 }
        for folder in folders {
            let program = folder.appending(path: name)
            if FileManager.default.isExecutableFile(atPath: program.path) { return program.path }
        }
        throw NotFound(
            description: "\(name) is in none of \(folders.map(\.path).joined(separator: ", ")): "
                + "build it with `swift build -c release --build-tests`")
    }
}
