import MIOConfig
import MIOObjectives

/// The number that a callback watches, and when it counts as better.
///
///     less is better    value + min_delta < best
///     more is better    value − min_delta > best
///
/// The first value is always better than none. NaN never is: where Keras keeps a first NaN as the best value for good, mio
/// waits for a number.
///
/// Source: Keras `src/callbacks/monitor_callback.py`
public struct Monitor: Hashable, Sendable {
    /// A log name of any output: `val_loss`, `val_kind_accuracy`.
    public let name: String
    /// Which way it gets better.
    public let mode: Mode
    /// How much better it has to be; not negative.
    public let minDelta: Double

    /// Which way the number gets better.
    public enum Mode: String, CaseIterable, Hashable, Sendable {
        /// As the loss or metric of that name does.
        case auto
        /// The less the better.
        case min
        /// The more the better.
        case max
    }

    /// - Precondition: `minDelta` is finite.
    public init(_ name: String = "val_loss", mode: Mode = .auto, minDelta: Double = 0) {
        precondition(minDelta.isFinite, "min_delta of \(minDelta)")
        self.name = name
        self.mode = mode
        self.minDelta = abs(minDelta)
    }

    /// - Parameter defaultMinDelta: `nil` where there is no `min_delta`.
    package init(reading reader: inout ConfigReader, defaultMinDelta: Double? = 0) throws(ConfigError) {
        reader.describe("monitor", "a log name of any output", default: "val_loss")
        name = try reader.optionalString("monitor") ?? "val_loss"
        mode = try reader.choice("mode", default: .auto)
        guard let defaultMinDelta else {
            minDelta = 0
            return
        }
        minDelta = abs(try reader.real("min_delta", default: defaultMinDelta))
        guard minDelta.isFinite else {
            throw reader.error("min_delta", "expected a finite number, found \(minDelta)")
        }
    }

    func write(to entries: inout ConfigDictionary, withMinDelta: Bool = true) {
        entries["monitor"] = .string(name)
        if withMinDelta { entries["min_delta"] = .real(minDelta) }
        entries["mode"] = .string(mode.rawValue)
    }

    /// Whether a value is better than another by more than `minDelta`.
    /// - Parameter reference: `nil` for none yet.
    /// - Precondition: `mode` says the direction, or `logs` knows it.
    func isBetter(_ value: Double, than reference: Double?, in logs: EpochLogs) -> Bool {
        guard !value.isNaN else { return false }
        guard let reference else { return true }
        switch direction(in: logs.directions) {
        case .down?: return value + minDelta < reference
        case .up?: return value - minDelta > reference
        case nil: preconditionFailure("no direction of \(name): the job's checks refuse it")
        }
    }

    /// Which way the number gets better; `nil` where that is to be found out and is not known.
    package func direction(in known: [String: MetricDirection]) -> MetricDirection? {
        switch mode {
        case .min: .down
        case .max: .up
        case .auto: known[name]
        }
    }
}
