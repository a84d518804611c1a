import Foundation
import MIOBase
import MIOConfig

/// A path with numbers of the epoch in it, as Python's `str.format` writes them: `{epoch:02d}-{val_loss:.2f}.keras`.
///
/// `epoch` counts from 1. Fields are log names; their formats are those of Python for numbers that C has as well:
/// `02d`, `.4f`, `.3e`, `.3g`, or none.
public struct FilePattern: Hashable, Sendable {
    /// As it was written.
    public let text: String
    private let parts: [Part]

    private enum Part: Hashable, Sendable {
        case literal(String)
        /// The format in C's form, without `%` and the letter; the letter.
        case field(name: String, flags: String, letter: Character?)
    }

    /// A path without fields.
    public init(literal text: String) {
        self.text = text
        parts = [.literal(text)]
    }

    /// A path with fields.
    /// - Throws: `ConfigError` for a brace that is not closed or a format that is none of these.
    public init(_ text: String) throws(ConfigError) { try self.init(text, at: ConfigPath("filepath")) }

    package init(_ text: String, at path: ConfigPath) throws(ConfigError) {
        self.text = text
        var parts: [Part] = []
        var rest = text[...]
        while let start = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
            if start > rest.startIndex { parts.append(.literal(String(rest[..<start]))) }
            let after = rest.index(after: start)
            // Doubled, it stands for itself.
            if after < rest.endIndex, rest[after] == rest[start] {
                parts.append(.literal(String(rest[start])))
                rest = rest[rest.index(after: after)...]
                continue
            }
            guard rest[start] == "{", let end = rest[after...].firstIndex(of: "}") else {
                throw ConfigError(
                    path: path,
                    message: "a brace without its counterpart in \(quoted: text); write {name} or {name:.2f}")
            }
            parts.append(try Self.field(rest[after..<end], at: path))
            rest = rest[rest.index(after: end)...]
        }
        if !rest.isEmpty { parts.append(.literal(String(rest))) }
        self.parts = parts
    }

    private static func field(_ text: Substring, at path: ConfigPath) throws(ConfigError) -> Part {
        let pieces = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(pieces[0])
        guard pieces.count == 2 else { return .field(name: name, flags: "", letter: nil) }
        guard let match = pieces[1].wholeMatch(of: /(0?[0-9]{0,2}(?:\.[0-9]{1,2})?)([dfeg])/),
            !name.isEmpty
        else {
            throw ConfigError(
                path: path,
                message:
                    "the field \(quoted: "{\(text)}") has a format that mio does not know; write {name}, or {name:02d}, "
                    + "{name:.4f}, {name:.3e}, {name:.3g}")
        }
        return .field(name: name, flags: String(match.1), letter: match.2.first)
    }

    /// The log names that it has, with `epoch`.
    public var names: [String] {
        parts.compactMap { if case .field(let name, _, _) = $0 { name } else { nil } }
    }

    /// The path of an epoch.
    /// - Precondition: the epoch has all `names`.
    public func filled(_ logs: EpochLogs) -> String {
        parts.map { part in
            switch part {
            case .literal(let text): return text
            case .field("epoch", let flags, _): return String(format: "%\(flags)d", logs.epoch + 1)
            case .field(let name, let flags, let letter):
                guard let value = logs[name] else {
                    preconditionFailure("no \(name): the job's checks refuse it")
                }
                guard let letter, letter != "d" else { return "\(value)" }
                return String(format: "%\(flags)\(letter)", value)
            }
        }.joined()
    }
}
