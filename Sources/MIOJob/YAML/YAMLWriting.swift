import MIOConfig
import Yams

extension ConfigValue {
    /// YAML text that reads back as this value, keys in their order: the innermost mappings and lists on one
    /// line each, the others indented.
    public var yaml: String {
        do {
            return try serialize(node: node(depth: 0), width: -1, allowUnicode: true)
        } catch {
            // The emitter refuses only trees that no ConfigValue makes.
            preconditionFailure("a value cannot be written as YAML: \(error)")
        }
    }

    private func node(depth: Int) -> Node {
        switch self {
        case .null: return Node("null", .implicit, .plain)
        case .boolean(let value): return Node(value ? "true" : "false", .implicit, .plain)
        case .integer(let value): return Node(String(value), .implicit, .plain)
        case .real(let value): return Node(YAMLScalar.text(value), .implicit, .plain)
        case .string(let value): return Self.node(string: value)
        case .list(let values):
            let isFlat = values.allSatisfy { !$0.isCollection }
            return Node(
                values.map { $0.node(depth: Self.oneLine) }, .implicit,
                isFlat || depth >= Self.oneLine ? .flow : .block)
        case .dictionary(let values):
            let isFlat = depth > 1 && values.entries.allSatisfy { $0.value.depth <= 1 }
            return Node(
                values.entries.map { (Self.node(string: $0.key), $0.value.node(depth: depth + 1)) },
                .implicit,
                isFlat || depth >= Self.oneLine || values.isEmpty ? .flow : .block)
        }
    }

    /// The depth from which everything is written on its parent's line.
    private static var oneLine: Int { 100 }

    private var isCollection: Bool { depth > 0 }

    /// The number of levels below this value.
    private var depth: Int {
        switch self {
        case .list(let values): 1 + (values.map(\.depth).max() ?? 0)
        case .dictionary(let values): 1 + (values.entries.map(\.value.depth).max() ?? 0)
        default: 0
        }
    }

    /// Quoted wherever a reader of YAML 1.1 or 1.2 would see anything but a string.
    private static func node(string: String) -> Node {
        let plain = Node(string, .implicit, .plain)
        let isPlain =
            YAMLScalar.value(plain: string) == .string(string)
            && Resolver.default.resolveTag(of: plain) == .str
        return isPlain ? Node(string, .implicit, .any) : Node(string, Tag(.str), .doubleQuoted)
    }
}
