import MIOFormats

/// Writes the values of events to a TensorBoard event file, each under its own name.
public final class TensorBoardSink: MetricSink {
    public let path: String
    private var writer: TensorBoardWriter?

    /// - Parameter step: the step that the run continues from, 0 if it starts: later ones of older files in
    ///   `folder` are declared void.
    /// - Throws: `FileError`.
    public init(folder: String, keepingThrough step: Int) throws {
        var writer = try TensorBoardWriter(folder: folder)
        try writer.writeRestart(step: step + 1)
        path = writer.path
        self.writer = consume writer
    }

    public func write(_ event: RunEvent) throws {
        if event.values.isEmpty { return }
        try writer?.write(step: event.step, event.values.map { (tag: $0.name, value: $0.value) })
    }

    public func push() throws { try writer?.push() }

    public func flush() throws { try writer?.flush() }

    public func close() throws {
        try flush()
        try writer.take()?.close()
    }
}
