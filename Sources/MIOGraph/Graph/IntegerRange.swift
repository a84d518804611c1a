import MIOBase

extension Layer {
    public func integerRange(ofInput input: Int) -> Range<Int>? { nil }
}

/// A call that takes an input of the model for whole numbers of a range.
package struct IntegerReader: Hashable, Sendable {
    /// Index into `Graph.inputs`.
    package let input: Int
    /// Of the call.
    package let node: Int
    package let range: Range<Int>
    package let element: TensorElement

    /// Whether the input's numbers fit, with their fractions cut off if they have such.
    /// - Parameters:
    ///   - values: (count): integers if `element` is.
    /// - Returns: the first that does not fit.
    package func firstOutside(_ values: UnsafePointer<Float>, count: Int) -> Int? {
        switch element {
        case .int32:
            let integers = UnsafeRawPointer(values).assumingMemoryBound(to: Int32.self)
            for index in 0..<count where !range.contains(Int(integers[index])) { return index }
        case .float32:
            for index in 0..<count {
                guard let number = Int(cutting: values[index]), range.contains(number) else { return index }
            }
        }
        return nil
    }
}

extension Graph {
    /// The calls that take inputs of the model for whole numbers of a range, in their order.
    package var integerReaders: [IntegerReader] {
        nodes.indices.flatMap { node in
            nodes[node].inputs.enumerated().compactMap { number, source in
                guard let range = layer(of: node).integerRange(ofInput: number),
                    let input = inputs.firstIndex(where: { $0.source == source })
                else { return nil }
                return IntegerReader(
                    input: input, node: node, range: range, element: spec(of: source).element)
            }
        }
    }
}

extension Int {
    /// A number without its fraction, as Keras casts; `nil` for what 32 bits do not hold.
    @inlinable @inline(__always)
    package init?<T: BinaryFloatingPoint>(cutting value: T) {
        guard value > -2_147_483_649, value < 2_147_483_648 else { return nil }
        self = Int(value)
    }
}
