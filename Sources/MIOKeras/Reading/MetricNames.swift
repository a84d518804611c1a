import MIOConfig

/// What an output's metrics are called in the logs: a name that is taken gets a number, or first `weighted_`, as Keras has it.
struct MetricNames {
    private var counts: [String: Int] = [:]

    /// - Parameter metric: as Keras writes it: a name, or an object.
    mutating func renamed(_ metric: ConfigValue, isWeighted: Bool) -> ConfigValue {
        guard let name = Self.name(of: metric) else { return metric }
        let free = free(name, isWeighted: isWeighted)
        return free == name ? metric : Self.named(free, metric)
    }

    private mutating func free(_ name: String, isWeighted: Bool) -> String {
        guard let count = counts[name] else {
            counts[name] = 1
            return name
        }
        if isWeighted { return free("weighted_" + name, isWeighted: false) }
        counts[name] = count + 1
        return "\(name)_\(count)"
    }

    /// `nil` where Keras has written none.
    private static func name(of metric: ConfigValue) -> String? {
        switch metric {
        case .string(let name): return name
        case .dictionary(let entry):
            guard case .dictionary(let config)? = entry["config"], case .string(let name)? = config["name"]
            else { return nil }
            return name
        default: return nil
        }
    }

    private static func named(_ name: String, _ metric: ConfigValue) -> ConfigValue {
        guard case .dictionary(var entry) = metric, case .dictionary(var config)? = entry["config"] else {
            return .dictionary(["class_name": metric, "config": .dictionary(["name": .string(name)])])
        }
        config["name"] = .string(name)
        entry["config"] = .dictionary(config)
        return .dictionary(entry)
    }
}
