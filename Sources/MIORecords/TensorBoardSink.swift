import MIOFormats

/// Writes the values of events to a TensorBoard event file, under the tags of Keras' callback: those of steps as
/// `batch_loss`, those of epochs as `epoch_loss` and `epoch_val_loss`.
///
/// Two departures from the callback: validation's values are in the same file, with `val_` in their tags, and an epoch's
/// are at the optimizer step at which it ended, not at its number. So curves of batches and epochs have one axis, and a run
/// that continues can declare void what came later (`SessionLog` goes by step).
///
/// Source: https://keras.io/api/callbacks/tensorboard/, `src/callbacks/tensorboard.py`.
package final class TensorBoardSink: MetricSink {
    package let path: String
    private var writer: TensorBoardWriter?

    /// - Parameter step: the step that the run continues from, 0 if it starts: later ones of older files in
    ///   `folder` are declared void.
    /// - Throws: `FileError`.
    package init(folder: String, keepingThrough step: Int) throws {
        var writer = try TensorBoardWriter(folder: folder)
        try writer.writeRestart(step: step + 1)
        path = writer.path
        self.writer = consume writer
    }

    package func write(_ event: RunEvent) throws {
        if event.values.isEmpty { return }
        let kind = event.event == "step" ? "batch" : event.event
        try writer?.write(
            step: event.step, event.values.map { (tag: "\(kind)_\($0.name)", value: $0.value) })
    }

    package func push() throws { try writer?.push() }

    package func flush() throws { try writer?.flush() }

    package func close() throws {
        try flush()
        try writer.take()?.close()
    }
}
