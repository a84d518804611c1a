import MIOBase
import MIOConfig
import Yams

/// What a run's `job.yaml` sets, as texts by dotted key: what tells runs apart.
package enum JobSettings {
    /// Keys that are read of a job; far more than any person compares.
    static let most = 2_000
    private static let deepest = 24
    private static let longestText = 300
    /// What differs between all runs and says nothing.
    private static let leftOut: Set<String> = ["run_directory"]

    /// - Parameter text: YAML.
    /// - Returns: in the order of the file; empty if it is not YAML.
    static func read(_ text: String) -> [(key: String, value: String)] {
        guard let node = try? Yams.compose(yaml: text) else { return [] }
        var found: [(key: String, value: String)] = []
        collect(node, at: "", depth: 0, into: &found)
        return found
    }

    /// The name that a job gives its run.
    /// - Parameters:
    ///   - text: YAML.
    ///   - settings: `KEY=VALUE`, which come before what the job says.
    /// - Returns: `nil` if nothing says it.
    package static func name(ofJob text: String, settings: [String]) -> String? {
        let setting = settings.last { $0.hasPrefix("name=") }
        let written = setting.map { "name: " + $0.dropFirst("name=".count) } ?? text
        guard let node = try? Yams.compose(yaml: written) else { return nil }
        return node.mapping?["name"]?.scalar?.string.shown(most: longestText)
    }

    // Aliases may make a small file a large tree: count and depth are bounded.
    private static func collect(
        _ node: Node, at path: String, depth: Int, into found: inout [(key: String, value: String)]
    ) {
        guard found.count < most, depth < deepest, !leftOut.contains(path) else { return }
        switch node {
        case .scalar(let scalar):
            found.append((path, scalar.string.shown(most: longestText)))
        case .mapping(let mapping):
            for (key, value) in mapping {
                guard let name = key.string?.shown(most: longestText) else { continue }
                collect(value, at: path.isEmpty ? name : path + "." + name, depth: depth + 1, into: &found)
            }
        case .sequence(let sequence):
            // A list of plain values is one setting: `[64, 64, 1]`.
            let scalars = sequence.compactMap { $0.scalar?.string }
            if scalars.count == sequence.count {
                found.append((path, "[" + scalars.joined(separator: ", ").shown(most: longestText) + "]"))
                return
            }
            for (index, value) in sequence.enumerated() {
                // Layers by name: one more of them does not move the others.
                let name = value.mapping?["name"]?.string?.shown(most: longestText) ?? String(index)
                collect(value, at: "\(path)[\(name)]", depth: depth + 1, into: &found)
            }
        case .alias: return
        }
    }
}
