import MIOBatches
import MIOGraph

/// What a batch holds that the model cannot take: such a batch must not be run.
package enum BatchFault: Sendable, Hashable {
    /// A label that no loss can take.
    case label(LabelFault)
    /// A number that a layer cannot take.
    case number(NumberFault)
}

/// A number outside of the range that a layer takes, in a rank's part of a batch.
package struct NumberFault: Sendable, Hashable {
    package let reader: IntegerReader
    /// The column of the data set.
    package let column: Int
    /// In the part.
    package let sample: Int
    /// The position in the sample, in row-major order.
    package let element: Int
    package let value: Double
}

extension Replica {
    /// The first number of some samples that a layer cannot take.
    package func firstNumberFault(_ batch: Batch, _ samples: Range<Int>) -> NumberFault? {
        for reader in integerReaders {
            let column = columns.inputs[reader.input]
            let elements = columns.requests[column].shape.count
            let values = UnsafePointer(batch.values(ofColumn: column)) + samples.lowerBound * elements
            guard let place = reader.firstOutside(values, samples: samples.count, size: elements) else {
                continue
            }
            let integers = UnsafeRawPointer(values).assumingMemoryBound(to: Int32.self)
            return NumberFault(
                reader: reader, column: column, sample: samples.lowerBound + place / elements,
                element: place % elements,
                value: reader.element == .int32 ? Double(integers[place]) : Double(values[place]))
        }
        return nil
    }
}
