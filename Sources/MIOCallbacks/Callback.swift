import MIOConfig
import MIOObjectives

/// Something that a run does at the beginning or the end of an epoch, because of what the epochs measured.
///
/// A callback decides; the run acts. Every rank asks its own copy with the same numbers, so all decide alike. What a
/// callback remembers is its ``CallbackState``, which checkpoints hold.
///
/// To add one: a file like `EarlyStopping.swift`, a line in `CallbackRegistry`, a test with numbers by hand.
///
/// Source: https://keras.io/api/callbacks/
public protocol Callback: Sendable {
    /// The Keras class: `EarlyStopping`.
    static var className: String { get }
    /// Arguments of the Keras class that mio takes only at some values.
    static var kerasArguments: [KerasArgument] { get }

    /// Reads the arguments of a job file's mapping, not `class` and not `finish()`.
    init(reading reader: inout ConfigReader) throws(ConfigError)

    /// The arguments as a job file says them, without `class`.
    var arguments: ConfigDictionary { get }

    /// The number it watches; `nil` if it watches none.
    var monitor: Monitor? { get }

    /// Whether it sets the learning rate, which must then not be a schedule's.
    var setsLearningRate: Bool { get }

    /// Whether the run has to keep the weights of the best epoch for it, and ends with them.
    var restoresBestWeights: Bool { get }

    /// Decides before the first step of an epoch.
    /// - Parameters:
    ///   - epoch: from 0.
    ///   - learningRate: the one that the epoch would begin with.
    func epochBegins(_ epoch: Int, learningRate: Double, state: inout CallbackState) -> [CallbackAction]

    /// Decides after an epoch and its validation.
    func epochEnds(_ logs: EpochLogs, state: inout CallbackState) -> [CallbackAction]
}

extension Callback {
    public static var kerasArguments: [KerasArgument] { [] }
    public var monitor: Monitor? { nil }
    public var setsLearningRate: Bool { false }
    public var restoresBestWeights: Bool { false }

    public func epochBegins(_ epoch: Int, learningRate: Double, state: inout CallbackState)
        -> [CallbackAction]
    { [] }

    public func epochEnds(_ logs: EpochLogs, state: inout CallbackState) -> [CallbackAction] { [] }

    /// The whole of it as a job file says it: `{class: EarlyStopping, monitor: val_loss, …}`.
    public var config: ConfigValue {
        var entries: ConfigDictionary = ["class": .string(Self.className)]
        for (key, value) in arguments.entries { entries[key] = value }
        return .dictionary(entries)
    }
}

/// What a callback wants the run to do.
public enum CallbackAction: Hashable, Sendable {
    /// Train with this learning rate from now on.
    case setLearningRate(Double, reason: String)
    /// Keep a copy of the weights as they are: those of the best epoch so far.
    case keepBestWeights
    /// Write the model as it is to a file, which is replaced: in the ``ModelFileFormat`` of its name, or as `.safetensors`. A
    /// relative path is relative to the run's folder.
    case save(path: String, reason: String)
    /// End the training after this epoch.
    case stop(reason: String)
}

/// What a callback remembers from one epoch to the next: numbers by name.
public struct CallbackState: Hashable, Sendable {
    private var numbers: [String: Double] = [:]

    /// Remembers nothing.
    public init() {}

    /// A number; `nil` until it is set.
    public subscript(name: String) -> Double? {
        get { numbers[name] }
        set { numbers[name] = newValue }
    }

    /// A count; 0 until it is set.
    public subscript(count name: String) -> Int {
        get { numbers[name].map { Int($0) } ?? 0 }
        set { numbers[name] = Double(newValue) }
    }

    /// As a checkpoint keeps it. Reading it gives the same bits.
    package var config: ConfigDictionary {
        var entries = ConfigDictionary()
        for name in numbers.keys.sorted() { entries[name] = numbers[name].map(ConfigValue.real) }
        return entries
    }

    /// - Throws: `ConfigError` for a value that is no number.
    package init(reading reader: inout ConfigReader) throws(ConfigError) {
        for name in reader.keys { numbers[name] = try reader.real(name) }
        try reader.finish()
    }
}

/// The numbers of an epoch that has just ended: the same on all ranks.
public struct EpochLogs: Sendable {
    /// From 0.
    public let epoch: Int
    /// By Keras' log names: `loss`, `val_kind_accuracy`, `learning_rate`.
    public let values: [String: Double]
    /// Which way a number gets better, by its log name.
    public let directions: [String: MetricDirection]

    /// - Parameter directions: of the numbers for which it is known.
    public init(epoch: Int, values: [String: Double], directions: [String: MetricDirection]) {
        self.epoch = epoch
        self.values = values
        self.directions = directions
    }

    /// The number of that name; `nil` if the epoch has none.
    public subscript(name: String) -> Double? { values[name] }
}
