import MIOBase
import MIOConfig

/// What Keras' `compile` would be given for a training of mio's.
package struct CompileWriting: Sendable {
    /// An output and what it is trained for, as configurations of mio's.
    package struct Output: Sendable {
        package let name: String
        package let loss: ConfigValue
        package let weight: Double
        package let metrics: [ConfigValue]
        package let weightedMetrics: [ConfigValue]

        package init(
            name: String, loss: ConfigValue, weight: Double, metrics: [ConfigValue],
            weightedMetrics: [ConfigValue]
        ) {
            self.name = name
            self.loss = loss
            self.weight = weight
            self.metrics = metrics
            self.weightedMetrics = weightedMetrics
        }
    }

    package let optimizer: ConfigValue
    package let outputs: [Output]
    /// Of all the model's outputs, those without a loss among them.
    package let names: [String]

    /// - Parameter names: of all the model's outputs, in order.
    package init(optimizer: ConfigValue, outputs: [Output], names: [String]) {
        self.optimizer = optimizer
        self.outputs = outputs
        self.names = names
    }

    /// Losses and metrics that Keras does not have.
    package static let unknownToKeras: Set<String> = ["BoxIoU", "Pinball", "WeightedBinaryCrossentropy"]

    /// Keras' short names of metrics that have no class of that name, or whose class means something else. Logs have the name
    /// that was written.
    private static let shortMetrics = ["Accuracy": ["accuracy", "acc"]]

    /// Whether Keras knows all outputs by these names. Where a layer gives two, it knows both by the layer's.
    private var areNamesOfKeras: Bool { names.allSatisfy { !$0.contains(":") && !$0.contains("/") } }

    /// `compile_config`, by output.
    var config: ConfigValue {
        func metric(_ value: ConfigValue) -> ConfigValue? {
            guard let className = Self.className(value), !Self.unknownToKeras.contains(className) else {
                return nil
            }
            if let short = Self.shortMetrics[className] {
                let named = short.first { name in
                    if case .dictionary(let entry) = value { entry["name"] == .string(name) } else { false }
                }
                return .string(named ?? short[0])
            }
            return KerasObject.object(value, module: "keras.metrics")
        }
        func byOutput(without: ConfigValue = .null, _ value: (Output) -> ConfigValue) -> ConfigValue {
            // One output: Keras takes the value itself, whatever the output is called.
            if names.count == 1, outputs.count == 1 { return value(outputs[0]) }
            guard areNamesOfKeras else {
                return .list(names.map { name in outputs.first { $0.name == name }.map(value) ?? without })
            }
            var entries = ConfigDictionary()
            for name in names { entries[name] = without }
            for output in outputs { entries[output.name] = value(output) }
            return .dictionary(entries)
        }
        return .dictionary([
            "optimizer": KerasObject.object(optimizer, module: "keras.optimizers"),
            "loss": byOutput { output in
                let className = Self.className(output.loss)
                if className.map(Self.unknownToKeras.contains) ?? false { return .null }
                return KerasObject.object(output.loss, module: "keras.losses")
            },
            "loss_weights": outputs.count == 1 && outputs[0].weight == 1
                ? .null : byOutput(without: 1.0) { .real($0.weight) },
            "metrics": byOutput(without: []) { .list($0.metrics.compactMap(metric)) },
            "weighted_metrics": outputs.allSatisfy(\.weightedMetrics.isEmpty)
                ? .null : byOutput(without: []) { .list($0.weightedMetrics.compactMap(metric)) },
            "run_eagerly": false, "steps_per_execution": 1, "jit_compile": false,
        ])
    }

    /// What Keras lacks, of losses and metrics: names, for a message.
    package var lacking: [String] {
        outputs.flatMap { [$0.loss] + $0.metrics + $0.weightedMetrics }.compactMap(Self.className)
            .filter(Self.unknownToKeras.contains)
    }

    private static func className(_ value: ConfigValue) -> String? {
        guard case .dictionary(let entries) = value, case .string(let name)? = entries["class"] else {
            return nil
        }
        return name
    }
}
