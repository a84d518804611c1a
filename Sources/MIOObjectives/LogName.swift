import MIOBase
import MIOGraph

/// A number that each epoch logs, under Keras' name: `loss`, `kind_loss`, `kind_accuracy`.
///
/// With one output its metrics have no prefix, and its loss is the loss. With regularizers `loss` has their terms, as in
/// Keras; `regularization_loss` is their sum. `kind_loss_weight` is the weight of a loss, if a schedule moves it.
package struct LogName: Hashable, Sendable {
    package let name: String
    /// Which way the number gets better; `nil` if its metric does not say.
    package let direction: MetricDirection?

    /// The numbers of a training, in the order of the logs; those of a validation are the same with `val_` before them.
    /// - Parameters:
    ///   - outputs: the trained ones, in the model's order, and the shapes of their predictions.
    ///   - modelOutputs: how many outputs the model has.
    ///   - hasRegularization: whether the loss has a term made of weights alone.
    package static func all(
        of outputs: [(specification: OutputSpecification, shape: Shape)], modelOutputs: Int,
        hasRegularization: Bool
    ) -> [LogName] {
        var names = [LogName(name: "loss", direction: .down)]
        if modelOutputs > 1 {
            names += outputs.map { LogName(name: "\($0.specification.name)_loss", direction: .down) }
        }
        if hasRegularization { names.append(LogName(name: "regularization_loss", direction: .down)) }
        for (output, shape) in outputs {
            let own =
                output.allMetrics.flatMap { metric in
                    metric.valueNames(prediction: shape).map {
                        LogName(name: $0, direction: type(of: metric).direction)
                    }
                }
                + (output.weightSchedule == nil ? [] : [LogName(name: "loss_weight", direction: nil)])
            names +=
                modelOutputs == 1
                ? own : own.map { LogName(name: "\(output.name)_\($0.name)", direction: $0.direction) }
        }
        return names
    }
}
