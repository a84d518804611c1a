import MIOBase

/// What a training measured, epoch by epoch (Keras' `History`).
///
///     history["val_kind_accuracy"]        // one number an epoch
///     print(history)                      // one line an epoch
public struct History: Hashable, Sendable {
    /// The numbers of one epoch.
    public struct Epoch: Hashable, Sendable {
        /// From 1. A training that continues another counts on.
        public let number: Int
        /// Keras' log names: `loss`, `kind_loss`, `kind_accuracy`, and with `val_` those of the validation.
        public let names: [String]
        /// In the order of `names`.
        public let values: [Double]

        package init(number: Int, names: [String], values: [Double]) {
            precondition(names.count == values.count, "\(names.count) names for \(values.count) values")
            self.number = number
            self.names = names
            self.values = values
        }

        /// The number of that name; `nil` if the epoch has none.
        public subscript(name: String) -> Double? { names.firstIndex(of: name).map { values[$0] } }
    }

    /// In order.
    public package(set) var epochs: [Epoch]

    package init(epochs: [Epoch] = []) { self.epochs = epochs }

    /// The names of the first epoch's numbers.
    public var names: [String] { epochs.first?.names ?? [] }

    /// The numbers of that name, one an epoch; none if there is no such name.
    public subscript(name: String) -> [Double] { epochs.compactMap { $0[name] } }
}

extension History.Epoch: CustomStringConvertible {
    /// `epoch 3: loss 0.4127, kind_accuracy 0.86`
    public var description: String {
        "epoch \(number): "
            + zip(names, values).map { "\($0) \(shortText($1))" }.joined(separator: ", ")
    }
}

extension History: CustomStringConvertible {
    /// A line for each epoch.
    public var description: String { epochs.map(\.description).joined(separator: "\n") }
}
