import Foundation

/// Texts as C's functions take them, until it goes.
///
/// A program's environment is handed over with it: changing this process' own would move it under threads that read it.
final class SpawnWords {
    private(set) var pointers: [UnsafeMutablePointer<CChar>?]

    init(_ words: [String]) { pointers = words.map { strdup($0) } + [nil] }

    /// This process' environment with further variables, as `NAME=value`.
    static func environment(
        adding variables: [(name: String, value: String)] = []
    ) -> SpawnWords {
        var all = ProcessInfo.processInfo.environment
        for variable in variables { all[variable.name] = variable.value }
        return SpawnWords(all.map { "\($0.key)=\($0.value)" })
    }

    deinit { for pointer in pointers { free(pointer) } }

    /// Calls with the array that ends with NULL.
    func withPointers<Value>(_ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Value) -> Value {
        pointers.withUnsafeMutableBufferPointer { body($0.baseAddress!) }
    }
}
