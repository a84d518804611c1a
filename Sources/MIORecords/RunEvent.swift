/// Something that happened in a run, as a value: one line of `metrics.jsonl`.
package struct RunEvent: Hashable, Sendable {
    package struct Value: Hashable, Sendable {
        /// As Keras logs it: `loss`, `kind_loss`, `kind_accuracy`, `val_loss`, `learning_rate`.
        package let name: String
        package let value: Double

        package init(_ name: String, _ value: Double) {
            self.name = name
            self.value = value
        }
    }

    /// The keys of every event, which no value may have.
    package static let reservedNames = ["event", "step", "epoch"]

    /// "step", "epoch", or another word.
    package let event: String
    /// Optimizer steps done since the training began: 1 after the first.
    package let step: Int
    /// 0 for the first, as Keras' `CSVLogger` counts.
    package let epoch: Int
    package let values: [Value]
    /// A sentence for a person, of rare events.
    package var text: String?

    /// - Precondition: no value has a reserved name.
    package init(event: String, step: Int, epoch: Int, values: [Value], text: String? = nil) {
        precondition(
            values.allSatisfy { !Self.reservedNames.contains($0.name) }, "a value has a reserved name")
        self.init(checked: event, step: step, epoch: epoch, values: values)
        self.text = text
    }

    /// For values whose names were looked at before.
    init(checked event: String, step: Int, epoch: Int, values: [Value]) {
        self.event = event
        self.step = step
        self.epoch = epoch
        self.values = values
    }

    package subscript(name: String) -> Double? { values.first { $0.name == name }?.value }
}

/// Where a run's events go. The record keeper calls a sink from one thread alone.
package protocol MetricSink: AnyObject {
    /// What is written may stay in the sink until `push`, `flush` or `close`.
    func write(_ event: RunEvent) throws
    /// Gives everything written to the system, so that others can read it: called when there is nothing to write.
    func push() throws
    /// Returns when what was written survives a power cut, if that means anything to the sink.
    func flush() throws
    /// The last call.
    func close() throws
}

extension MetricSink {
    /// For sinks that keep nothing.
    package func push() {}
}
