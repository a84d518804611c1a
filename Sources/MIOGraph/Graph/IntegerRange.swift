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
    /// The elements of a sample that it takes, ascending; `nil` for all of them.
    package let elements: [Int]?

    /// Whether the input's numbers fit, with their fractions cut off if they have such.
    /// - Parameters:
    ///   - values: (samples, size): integers if `element` is.
    ///   - size: the elements of a sample.
    /// - Returns: the place of the first that does not fit.
    package func firstOutside(_ values: UnsafePointer<Float>, samples: Int, size: Int) -> Int? {
        guard let elements else { return (0..<samples * size).first { !fits(values, $0) } }
        for sample in 0..<samples {
            for element in elements where !fits(values, sample * size + element) {
                return sample * size + element
            }
        }
        return nil
    }

    @inline(__always)
    private func fits(_ values: UnsafePointer<Float>, _ place: Int) -> Bool {
        switch element {
        case .int32:
            return range.contains(
                Int(UnsafeRawPointer(values).assumingMemoryBound(to: Int32.self)[place]))
        case .float32:
            guard let number = Int(cutting: values[place]) else { return false }
            return range.contains(number)
        }
    }
}

extension Graph {
    /// The calls that take inputs of the model for whole numbers of a range, in their order.
    package var integerReaders: [IntegerReader] {
        nodes.indices.flatMap { node in
            nodes[node].inputs.enumerated().flatMap { number, source -> [IntegerReader] in
                guard let range = layer(of: node).integerRange(ofInput: number) else { return [] }
                return given(source).map { input, elements in
                    IntegerReader(
                        input: input, node: node, range: range, element: spec(of: source).element,
                        elements: elements)
                }
            }
        }
    }

    /// The model's inputs that a tensor has elements of, in their order, and which elements of a sample; `nil` for all.
    /// - Precondition: the tensor is an input of the model, or layers have moved it only.
    private func given(_ source: Source) -> [(input: Int, elements: [Int]?)] {
        if let input = inputs.firstIndex(where: { $0.source == source }) { return [(input, nil)] }
        let elements = Dictionary(grouping: origins(source), by: \.input).mapValues { Set($0.map(\.element)) }
        return elements.sorted { $0.key < $1.key }.map { input, elements in
            (input, elements.count == spec(of: inputs[input].source).shape.count ? nil : elements.sorted())
        }
    }

    /// For each element of a sample of a tensor: the model's input that it is of, and which element it is there.
    private func origins(_ source: Source) -> [(input: Int, element: Int)] {
        if let input = inputs.firstIndex(where: { $0.source == source }) {
            return (0..<spec(of: source).shape.count).map { (input, $0) }
        }
        let node = nodes[source.node]
        guard let moved = layer(of: source.node).movedElements(of: node.inputs.map { spec(of: $0).shape })
        else { preconditionFailure("\(node.name) computes; the graph was checked for it") }
        let sources = node.inputs.map(origins)
        return moved.map { sources[$0.input][$0.element] }
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
