import MIOBase
import MIOConfig
import MIOFiles
import MIOGraph

extension Graph {
    /// The same graph without training the layers that patterns name.
    /// - Parameters:
    ///   - patterns: as `fnmatch(3)` has them, of the paths of layers and nested models; `*` takes "/" too. A nested model
    ///     freezes all layers in it.
    ///   - path: where the patterns are written.
    /// - Throws: `ConfigError` for a pattern that no layer matches.
    func freezing(_ patterns: [String], at path: ConfigPath) throws(ConfigError) -> Graph {
        if patterns.isEmpty { return self }
        let paths = freezablePaths
        for (index, pattern) in patterns.enumerated() {
            guard !paths.contains(where: { Glob.matches($0, pattern) }) else { continue }
            let patterns = nestedModels.map { "\($0.name)/*" }
            let near = nearestName(to: pattern, in: paths + patterns).map { "; did you mean \(quoted: $0)?" }
            throw ConfigError(
                path: path.appending(index: index),
                message: "no layer matches \(quoted: pattern)\(near ?? ".") Layers: " + listed(paths))
        }
        return freezing { path in patterns.contains { Glob.matches(path, $0) } }
    }
}
