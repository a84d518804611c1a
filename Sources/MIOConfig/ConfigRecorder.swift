import MIOBase
import Synchronization

/// Notes which keys are read while it is `current`, and as what. The pages about keys are written from it.
///
///     let recorder = ConfigRecorder()
///     try ConfigRecorder.$current.withValue(recorder) { try LossRegistry.read("huber", at: path) }
///     recorder.keys(at: path).map(\.name)       // ["delta", "reduction"]
///
/// A required key that is absent gets a value of its kind, so that reading goes on to the next key.
package final class ConfigRecorder: Sendable {
    /// A key that was asked for.
    package struct Key: Hashable, Sendable {
        package let name: String
        /// The mapping that has the key.
        package let path: ConfigPath
        /// What it may be, in the words of messages: "an integer of at least 1"; `nil` if nobody said.
        package fileprivate(set) var expected: String?
        package var isRequired: Bool { required ?? false }
        fileprivate var required: Bool?
        /// The value without the key; `nil` if there is none, or if nobody said.
        package fileprivate(set) var fallback: ConfigValue?

        init(
            name: String, path: ConfigPath, expected: String?, required: Bool?, fallback: ConfigValue?
        ) {
            self.name = name
            self.path = path
            self.expected = expected
            self.required = required
            self.fallback = fallback
        }
    }

    /// The recorder of all readers that are made and used in a scope; `nil` outside of documentation.
    @TaskLocal package static var current: ConfigRecorder?

    /// Whether optional mappings that are absent are read as empty ones, so that their keys are noted too.
    package let entersOptionalMappings: Bool
    /// Values of required keys whose kind no reader knows, by the key's name.
    let examples: [String: ConfigValue]
    private let recorded = Mutex<[Key]>([])

    package init(entersOptionalMappings: Bool = false, examples: [String: ConfigValue] = [:]) {
        self.entersOptionalMappings = entersOptionalMappings
        self.examples = examples
    }

    /// All keys, in the order in which they were first asked for.
    package var keys: [Key] { recorded.withLock { $0 } }

    package func keys(at path: ConfigPath) -> [Key] { keys.filter { $0.path == path } }

    /// Notes what one question or description says. What came first stays.
    func note(
        _ name: String, at path: ConfigPath, expected: String?, fallback: ConfigValue?, isRequired: Bool?
    ) {
        recorded.withLock { keys in
            guard let index = keys.firstIndex(where: { $0.name == name && $0.path == path }) else {
                keys.append(
                    Key(name: name, path: path, expected: expected, required: isRequired, fallback: fallback))
                return
            }
            keys[index].required = keys[index].required ?? isRequired
            keys[index].expected = keys[index].expected ?? expected
            keys[index].fallback = keys[index].fallback ?? fallback
        }
    }
}

extension ConfigReader {
    /// Says what a key may be that is read with `value(_:)`: for the pages about keys, nothing else.
    /// - Parameters:
    ///   - expected: with its article: "an initializer".
    ///   - fallback: the value without the key; `nil` if there is none.
    package func describe(_ key: String, _ expected: String, default fallback: ConfigValue? = nil) {
        note(key, expected: expected, fallback: fallback, isRequired: nil)
    }

    /// Tells the current recorder, if there is one, about a question.
    func note(
        _ key: String, expected: @autoclosure () -> String? = nil, fallback: ConfigValue? = nil,
        isRequired: Bool? = false
    ) {
        guard let recorder = ConfigRecorder.current else { return }
        recorder.note(key, at: path, expected: expected(), fallback: fallback, isRequired: isRequired)
    }
}
