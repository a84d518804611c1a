import CProcess
import Foundation
import MIOSystem

/// A program to start.
package struct ProgramStart {
    /// The first is the program, looked up in the `PATH` of `environment` unless it holds a `/`.
    package var arguments: [String]
    /// Handed over: changing this process' own would move it under threads that read it.
    package var environment = ProcessInfo.processInfo.environment
    /// Where it starts; `nil`: where this process is.
    package var folder: String?
    /// What it reads; `nil`: nothing.
    package var input: Int32?
    package var output: Int32
    package var errorOutput: Int32
    /// The signals that it holds back.
    package var held = sigset_t()
    /// A signal that it gets when the calling thread is gone, however that ends; `nil` for none.
    package var farewell: Int32?
    /// In a session of its own, with all signals as usual and no other open file of this process; else in a process group of its
    /// own alone.
    package var isDetached = true

    package init(_ arguments: [String], output: Int32, errorOutput: Int32) {
        self.arguments = arguments
        self.output = output
        self.errorOutput = errorOutput
    }

    /// - Returns: the process id, or the negative `errno` of what failed.
    package func spawn() -> pid_t {
        withWords(arguments) { words in
            withWords(environment.map { "\($0.key)=\($0.value)" }) { variables in
                withWords(folder.map { [$0] } ?? []) { folder in
                    var start = mio_start()
                    start.arguments = UnsafePointer(words)
                    start.environment = UnsafePointer(variables)
                    start.folder = folder[0].map { UnsafePointer($0) }
                    start.input = input ?? -1
                    start.output = output
                    start.error_output = errorOutput
                    start.held = held
                    start.farewell = farewell ?? 0
                    start.detached = isDetached ? 1 : 0
                    return mio_spawn(&start)
                }
            }
        }
    }
}

/// Texts as C's functions take them: an array that ends with NULL.
private func withWords(
    _ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> pid_t
) -> pid_t {
    var pointers = texts.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeMutableBufferPointer { body($0.baseAddress!) }
}
