import MIOCallbacks
import MIOConfig
import MIOGraph
import MIOObjectives
import MIOOptimizers

/// The pages of the registries. A class that is registered appears by itself: a recorder notes which arguments it reads.
enum RegistryPages {
    private static let path = ConfigPath("example")

    /// Values of required arguments that are no number, text or list, by the argument's name.
    private static let examples: [String: ConfigValue] = [
        "layer": .dictionary(["class": "LSTM", "units": 1]), "activation": "relu", "index": "1:3, -1",
        "num_classes": 2, "values": [1.0, 0.1], "boundaries": [1000],
    ]

    /// Reads a value under a recorder.
    /// - Throws: `DocumentationError` with what the registry says.
    private static func recorded<Value>(_ name: String, _ read: () throws -> Value) throws(DocumentationError)
        -> (value: Value, keys: [ConfigRecorder.Key])
    {
        let recorder = ConfigRecorder(examples: examples)
        do {
            let value = try ConfigRecorder.$current.withValue(recorder) { try read() }
            return (value, recorder.keys(at: path))
        } catch {
            throw DocumentationError(
                "\(name) cannot be made with examples of its required arguments: \(error). Add an example to "
                    + "RegistryPages.examples")
        }
    }

    private static func dictionary(_ value: ConfigValue) -> ConfigDictionary {
        if case .dictionary(let dictionary) = value { dictionary } else { ConfigDictionary() }
    }

    static func layers() throws(DocumentationError) -> ClassPage {
        var entries: [ClassPage.Entry] = []
        for name in LayerRegistry.classNames where name != InputLayer.className {
            let (layer, keys) = try recorded(name) {
                var reader = ConfigReader(ConfigDictionary(), at: path)
                return try LayerRegistry.makeLayer(className: name, classKey: "class", config: &reader)
            }
            entries.append(
                ClassPage.Entry(
                    name: name, type: String(describing: type(of: layer)),
                    keys: keys.filter { !["name", "trainable", "activity_regularizer"].contains($0.name) },
                    config: layer.config,
                    kerasArguments: type(of: layer).kerasArguments.map(\.name)))
        }
        return ClassPage(
            title: "Layers",
            introduction: """
                What `class` of an item of `model.layers` names ([the other keys of an item](keys.md#modellayers)). All have
                Keras' arguments with Keras' defaults, `name`, `trainable` and `activity_regularizer` among them. Shapes are those of
                one sample.
                """,
            entries: entries,
            sharedTypes: [
                "ConvolutionArguments", "SeparableArguments", "PoolingArguments", "GlobalPoolingArguments",
            ])
    }

    static func losses() throws(DocumentationError) -> ClassPage {
        var entries: [ClassPage.Entry] = []
        for name in LossRegistry.all {
            let (loss, keys) = try recorded(name) {
                try LossRegistry.read(.dictionary(["class": .string(name)]), at: path)
            }
            entries.append(
                ClassPage.Entry(
                    name: name, type: String(describing: type(of: loss)),
                    otherNames: [type(of: loss).className] + type(of: loss).names.dropFirst(),
                    keys: keys.filter { $0.name != "class" }, config: dictionary(loss.config),
                    note: missing(loss), kerasArguments: type(of: loss).kerasArguments.map(\.name)))
        }
        return ClassPage(
            title: "Losses",
            introduction: """
                What `outputs.NAME.loss` names: a name, or a mapping with arguments, `{class: huber, delta: 0.5}`. A loss gives a
                number for each position (a sample, or a pixel of a mask); `reduction` says how they become one number. A crossentropy
                after a softmax or a sigmoid is computed from the logits. [Missing labels](job.md#missing-labels) are left out.
                """,
            entries: entries, sharedTypes: ["Loss"])
    }

    /// What counts as missing in an output's targets, and what that leaves out.
    private static func missing(_ loss: any Loss) -> String {
        let key = loss.hasClassLabels ? "`missing_label`" : "`missing_value`, if there is one,"
        return "A target that is NaN or \(key) leaves out "
            + (loss.isElementwise ? "its element alone." : "its position.")
    }

    static func metrics() throws(DocumentationError) -> ClassPage {
        var entries: [ClassPage.Entry] = []
        for name in MetricRegistry.all {
            let (metric, keys) = try recorded(name) {
                try MetricRegistry.read(.dictionary(["class": .string(name)]), at: path)
            }
            entries.append(
                ClassPage.Entry(
                    name: name, type: String(describing: type(of: metric)),
                    otherNames: [type(of: metric).className] + type(of: metric).names.dropFirst(),
                    keys: keys.filter { $0.name != "class" }, config: dictionary(metric.config),
                    kerasArguments: type(of: metric).kerasArguments.map(\.name)))
        }
        return ClassPage(
            title: "Metrics",
            introduction: """
                What `outputs.NAME.metrics` and `weighted_metrics` list: names, or mappings with arguments, `{class:
                top_k_categorical_accuracy, k: 3}`. Metrics are exact over all ranks and samples.
                """,
            entries: entries)
    }

    static func optimizers() throws(DocumentationError) -> ClassPage {
        var entries: [ClassPage.Entry] = []
        for name in OptimizerRegistry.all {
            let (optimizer, keys) = try recorded(name) {
                try OptimizerRegistry.read(.dictionary(["class": .string(name)]), at: path)
            }
            entries.append(
                ClassPage.Entry(
                    name: name, type: String(describing: type(of: optimizer)),
                    otherNames: type(of: optimizer).names, keys: keys.filter { $0.name != "class" },
                    config: dictionary(optimizer.config)))
        }
        return ClassPage(
            title: "Optimizers",
            introduction: """
                What `optimizer` names: a name, or a mapping with arguments, `{class: SGD, momentum: 0.9}`. Without the key it is
                Adam.
                """,
            entries: entries, sharedTypes: ["Adam", "OptimizerOptions"])
    }

    static func schedules() throws(DocumentationError) -> ClassPage {
        var entries: [ClassPage.Entry] = []
        for name in ScheduleRegistry.all {
            let (schedule, keys) = try recorded(name) {
                try ScheduleRegistry.read(.dictionary(["class": .string(name)]), at: path)
            }
            entries.append(
                ClassPage.Entry(
                    name: name, type: String(describing: type(of: schedule)),
                    keys: keys.filter { $0.name != "class" }, config: dictionary(schedule.config)))
        }
        return ClassPage(
            title: "Learning rate schedules",
            introduction: """
                What `optimizer.learning_rate` may be: a number, or a mapping, `{class: CosineDecay, initial_learning_rate: 0.001,
                decay_steps: 1000}`. Steps are those of the optimizer.
                """,
            entries: entries, sharedTypes: ["LinearWarmup"])
    }

    static func callbacks() throws(DocumentationError) -> ClassPage {
        var entries: [ClassPage.Entry] = []
        for name in CallbackRegistry.all {
            var example: ConfigDictionary = ["class": .string(name)]
            // It has two forms, and no default.
            if name == LearningRateScheduler.className { example["factor"] = 0.9 }
            // Without a path it writes the best alone, which its page says.
            if name == ModelCheckpoint.className { example["filepath"] = "{epoch}.keras" }
            let (callback, keys) = try recorded(name) {
                try CallbackRegistry.read(.dictionary(example), at: path)
            }
            var config = dictionary(callback.config)
            // What is required in one form or another has no default.
            if name == LearningRateScheduler.className { config["factor"] = nil }
            entries.append(
                ClassPage.Entry(
                    name: name, type: String(describing: type(of: callback)),
                    keys: keys.filter { $0.name != "class" }, config: config,
                    kerasArguments: type(of: callback).kerasArguments.map(\.name)))
        }
        return ClassPage(
            title: "Callbacks",
            introduction: """
                What `callbacks` lists: names, or mappings with arguments, `{class: EarlyStopping, monitor: val_kind_accuracy, patience:
                5}`. `monitor` may be any number that an epoch logs, of any output. Decisions are made from numbers of all ranks,
                and what a callback remembers is in every checkpoint: a run that was killed decides as an undisturbed one does.
                """,
            entries: entries, sharedTypes: ["Monitor"])
    }

    static func regularizers() throws(DocumentationError) -> ClassPage {
        var entries: [ClassPage.Entry] = []
        for name in RegularizerRegistry.all {
            let (value, keys) = try recorded(name) {
                try RegularizerRegistry.read(.dictionary(["class": .string(name)]), at: path)
            }
            entries.append(
                ClassPage.Entry(
                    name: name, type: String(describing: type(of: value)),
                    keys: keys.filter { $0.name != "class" }, config: dictionary(value.config)))
        }
        return ClassPage(
            title: "Regularizers",
            introduction: """
                What `…_regularizer` of a layer names: a term of the loss that depends on one weight alone. A name, Keras' other
                spelling of it (`l2`), or a mapping with arguments, `{class: L2, l2: 0.001}`. `regularization_loss` is the sum of
                all terms.
                """,
            entries: entries)
    }

    static func constraints() throws(DocumentationError) -> ClassPage {
        var entries: [ClassPage.Entry] = []
        for name in ConstraintRegistry.all {
            let (value, keys) = try recorded(name) {
                try ConstraintRegistry.read(.dictionary(["class": .string(name)]), at: path)
            }
            entries.append(
                ClassPage.Entry(
                    name: name, type: String(describing: type(of: value)),
                    keys: keys.filter { $0.name != "class" }, config: dictionary(value.config)))
        }
        return ClassPage(
            title: "Constraints",
            introduction: """
                What `…_constraint` of a layer names: a projection of one weight after each update. A name, Keras' other spelling of
                it (`max_norm`), or a mapping with arguments, `{class: MaxNorm, max_value: 2}`.
                """,
            entries: entries)
    }
}
