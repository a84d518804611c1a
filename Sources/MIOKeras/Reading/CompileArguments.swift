import MIOBase
import MIOConfig

/// What `compile` was given in Python: defaults for what a job leaves out.
package struct CompileArguments: Sendable {
    /// As Keras writes it; `nil` where the file has none.
    package let optimizer: ConfigValue?
    /// By output: `loss`, `weight`, `metrics`, `weighted_metrics`, as a job has them.
    package let outputs: [String: ConfigDictionary]

    /// - Parameter outputs: the model's, in order.
    package init?(_ file: KerasFile, outputs names: [String]) {
        guard let compile = file.compileConfig else { return nil }
        // Keras 2 calls it optimizer_config.
        let optimizer = compile["optimizer"] ?? compile["optimizer_config"]
        self.optimizer = optimizer.flatMap { $0 == .null ? nil : Self.object($0) }
        var entries: [String: ConfigDictionary] = [:]
        func add(_ key: String, to name: String, _ value: ConfigValue?) {
            guard let value, value != .null else { return }
            entries[name, default: [:]][key] = value
        }
        let losses = Self.distributed(compile["loss"], names)
        let weights = Self.distributed(compile["loss_weights"], names)
        let metrics = Self.distributed(compile["metrics"], names, isList: true)
        let weighted = Self.distributed(compile["weighted_metrics"], names, isList: true)
        for name in names {
            guard let loss = losses[name], loss != .null else { continue }
            add("loss", to: name, Self.object(loss))
            if let weight = weights[name] { add("weight", to: name, weight) }
            if let list = metrics[name] { add("metrics", to: name, Self.objects(list)) }
            if let list = weighted[name] { add("weighted_metrics", to: name, Self.objects(list)) }
        }
        self.outputs = entries
    }

    /// An argument of `compile` by output: one for all, a list in the order of the outputs, or a dictionary.
    /// - Parameter isList: whether what an output has may itself be a list.
    private static func distributed(_ value: ConfigValue?, _ names: [String], isList: Bool = false)
        -> [String: ConfigValue]
    {
        guard let value, value != .null else { return [:] }
        func all(_ value: ConfigValue) -> [String: ConfigValue] {
            Dictionary(names.map { ($0, value) }) { first, _ in first }
        }
        switch value {
        case .dictionary(let entries) where entries["class_name"] == nil:
            return Dictionary(entries.entries.map { ($0.key, $0.value) }) { first, _ in first }
        case .list(let items):
            let isNested = items.contains { item in if case .list = item { true } else { false } }
            if isList, names.count == 1 { return isNested ? all(items[0]) : all(value) }
            if items.count == names.count { return Dictionary(zip(names, items)) { first, _ in first } }
            return items.count == 1 ? all(items[0]) : [:]
        default: return all(value)
        }
    }

    private static func objects(_ value: ConfigValue) -> ConfigValue {
        guard case .list(let items) = value else { return .list([object(value)]) }
        return .list(items.filter { $0 != .null }.map(object))
    }

    /// A serialized object as mio's registries read it.
    static func object(_ value: ConfigValue) -> ConfigValue {
        guard case .dictionary(var entry) = value, case .string(let className)? = entry["class_name"] else {
            return value
        }
        entry["shared_object_id"] = nil
        entry["build_config"] = nil
        entry["compile_config"] = nil
        if case .dictionary(var config)? = entry["config"] {
            // Metrics and losses of Keras that are functions in Keras' own clothes.
            if ["MeanMetricWrapper", "LossFunctionWrapper"].contains(className), let function = config["fn"] {
                return object(function)
            }
            // Keras 2: no decay; a loss' and a metric's dtype.
            if config["decay"] == 0 || config["decay"] == 0.0 { config["decay"] = nil }
            for (key, value) in config.entries { config[key] = object(value) }
            entry["config"] = .dictionary(config)
        }
        // {"class_name": "function", "config": "mean_squared_error"}
        if className == "function", let name = entry["config"], case .string = name { return name }
        // Keras 2 of TensorFlow 2.11 and later: `Custom>Adam`.
        if className.hasPrefix("Custom>"), entry["module"] == nil {
            entry["class_name"] = .string(String(className.dropFirst("Custom>".count)))
        }
        return .dictionary(entry)
    }
}
