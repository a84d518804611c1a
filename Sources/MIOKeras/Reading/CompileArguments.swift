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
        let isLegacy = compile["optimizer_config"] != nil
        if let written = compile["optimizer"] ?? compile["optimizer_config"], written != .null {
            optimizer = Self.optimizer(Self.object(written))
        } else {
            optimizer = nil
        }
        var entries: [String: ConfigDictionary] = [:]
        func add(_ key: String, to name: String, _ value: ConfigValue?) {
            guard let value, value != .null else { return }
            entries[name, default: [:]][key] = value
        }
        let losses = Self.distributed(compile["loss"], names)
        let weights = Self.distributed(compile["loss_weights"], names)
        let metrics = Self.metrics(compile["metrics"], names, isLegacy: isLegacy)
        let weighted = Self.metrics(compile["weighted_metrics"], names, isLegacy: isLegacy)
        for name in names {
            guard let loss = losses[name], loss != .null else { continue }
            add("loss", to: name, Self.object(loss))
            if let weight = weights[name] { add("weight", to: name, weight) }
            var logNames = MetricNames()
            for (key, list) in [("metrics", metrics[name]), ("weighted_metrics", weighted[name])] {
                guard let list, list != .null else { continue }
                var objects = Self.objects(list)
                // Keras 2 writes the name that a metric has in the logs, which begins with its output's.
                if isLegacy, names.count > 1 { objects = objects.map { Self.withoutPrefix("\(name)_", $0) } }
                objects = objects.map { logNames.renamed($0, isWeighted: key == "weighted_metrics") }
                add(key, to: name, .list(objects))
            }
        }
        self.outputs = entries
    }

    /// Metrics by output, as `distributed` has other arguments. The only output has all that there are, whatever the keys of a
    /// dictionary are; and in Keras 2 every output has all of a list in which there is no other one.
    private static func metrics(_ value: ConfigValue?, _ names: [String], isLegacy: Bool) -> [String:
        ConfigValue]
    {
        guard let value, value != .null else { return [:] }
        if names.count == 1 { return [names[0]: .list(flattened(value))] }
        if isLegacy, case .list(let items) = value, items.allSatisfy({ !isNested($0) }) {
            return Dictionary(names.map { ($0, value) }) { first, _ in first }
        }
        return distributed(value, names)
    }

    private static func isNested(_ value: ConfigValue) -> Bool {
        switch value {
        case .list: true
        case .dictionary(let entries): entries["class_name"] == nil
        default: false
        }
    }

    /// What is in lists and dictionaries, and in those in them.
    private static func flattened(_ value: ConfigValue) -> [ConfigValue] {
        switch value {
        case .list(let items): items.flatMap(flattened)
        case .dictionary(let entries) where entries["class_name"] == nil:
            entries.entries.flatMap { flattened($0.value) }
        default: [value]
        }
    }

    /// An argument of `compile` by output: one for all, a list in the order of the outputs, or a dictionary.
    private static func distributed(_ value: ConfigValue?, _ names: [String]) -> [String: ConfigValue] {
        guard let value, value != .null else { return [:] }
        func all(_ value: ConfigValue) -> [String: ConfigValue] {
            Dictionary(names.map { ($0, value) }) { first, _ in first }
        }
        switch value {
        case .dictionary(let entries) where entries["class_name"] == nil:
            return Dictionary(entries.entries.map { ($0.key, $0.value) }) { first, _ in first }
        case .list(let items):
            if items.count == names.count { return Dictionary(zip(names, items)) { first, _ in first } }
            return items.count == 1 ? all(items[0]) : [:]
        default: return all(value)
        }
    }

    private static func objects(_ value: ConfigValue) -> [ConfigValue] {
        guard case .list(let items) = value else { return [object(value)] }
        return items.filter { $0 != .null }.map(object)
    }

    /// A metric whose name does not begin with this.
    private static func withoutPrefix(_ prefix: String, _ metric: ConfigValue) -> ConfigValue {
        guard case .dictionary(var entry) = metric, case .dictionary(var config)? = entry["config"],
            case .string(let name)? = config["name"], name.hasPrefix(prefix), name != prefix
        else { return metric }
        config["name"] = .string(String(name.dropFirst(prefix.count)))
        entry["config"] = .dictionary(config)
        return .dictionary(entry)
    }

    /// An optimizer of Keras 2 as Keras 3 has it.
    ///
    /// `decay` of TensorFlow 2.10 and before divides the learning rate of each step by 1 + decay · step.
    private static func optimizer(_ value: ConfigValue) -> ConfigValue {
        guard case .dictionary(var entry) = value, case .dictionary(var config)? = entry["config"] else {
            return value
        }
        // Keras 2.2 and before.
        if let rate = config["lr"], config["learning_rate"] == nil {
            config["learning_rate"] = rate
            config["lr"] = nil
        }
        if let decay = config["decay"] {
            if entry["class_name"] == "Nadam" {
                // Refused by its name: it is another momentum.
            } else if case .dictionary? = config["learning_rate"] {
                // Refused by its name: a schedule is divided by it too.
            } else {
                config["learning_rate"] = .dictionary([
                    "class_name": "InverseTimeDecay",
                    "config": .dictionary([
                        "initial_learning_rate": config["learning_rate"] ?? 0.001, "decay_steps": 1,
                        "decay_rate": decay,
                    ]),
                ])
                config["decay"] = nil
            }
        }
        entry["config"] = .dictionary(config)
        return .dictionary(entry)
    }

    /// The function of a loss or a metric that is nothing else, with its arguments; a metric keeps its name in the logs.
    private static func function(_ written: ConfigValue, _ config: ConfigDictionary, isLoss: Bool)
        -> ConfigValue
    {
        let function = object(written)
        var arguments = config
        for key in ["fn", "dtype"] { arguments[key] = nil }
        if isLoss { arguments["name"] = nil }
        if arguments["reduction"] == "auto" { arguments["reduction"] = nil }
        guard case .string = function, !arguments.isEmpty else { return function }
        return .dictionary(["class_name": function, "config": .dictionary(arguments)])
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
            if ["MeanMetricWrapper", "LossFunctionWrapper"].contains(className), let written = config["fn"] {
                return function(written, config, isLoss: className == "LossFunctionWrapper")
            }
            // Keras 2: no decay. Nadam's is another one.
            if className != "Nadam", config["decay"] == 0 || config["decay"] == 0.0 { config["decay"] = nil }
            // Keras 2: the default, which is sum_over_batch_size where mio trains; and a loss' own function, which the class says.
            if config["reduction"] == "auto" { config["reduction"] = nil }
            if case .string? = config["fn"] { config["fn"] = nil }
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
