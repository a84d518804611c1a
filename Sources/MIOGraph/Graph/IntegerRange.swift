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
        switch element {
        case .int32:
            let integers = UnsafeRawPointer(values).assumingMemoryBound(to: Int32.self)
            return first(samples, size) { !range.contains(Int(integers[$0])) }
        case .float32:
            return first(samples, size) {
                guard let number = Int(cutting: values[$0]) else { return true }
                return !range.contains(number)
            }
        }
    }

    @inline(__always)
    private func first(_ samples: Int, _ size: Int, where isOutside: (_ place: Int) -> Bool) -> Int? {
        guard let elements else {
            for place in 0..<samples * size where isOutside(place) { return place }
            return nil
        }
        for sample in 0..<samples {
            for element in elements where isOutside(sample * size + element) {
                return sample * size + element
            }
        }
        return nil
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
        let numbers = Dictionary(inputs.enumerated().map { ($1.source, $0) }) { first, _ in first }
        if let input = numbers[source] { return [(input, nil)] }
        var isTaken: [Int: [Bool]] = [:]
        var moves: [Int: (Int) -> (input: Int, element: Int)] = [:]
        for number in 0..<spec(of: source).shape.count {
            var (place, element) = (source, number)
            // Element by element and back to the inputs: a tensor may have come by many ways.
            while numbers[place] == nil {
                guard
                    let move = moves[place.node]
                        ?? layer(of: place.node).movedElements(
                            of: inputShapes(of: place.node))
                else {
                    preconditionFailure("\(nodes[place.node].name) computes; the graph was checked for it")
                }
                moves[place.node] = move
                let from = move(element)
                (place, element) = (nodes[place.node].inputs[from.input], from.element)
            }
            guard let input = numbers[place] else { continue }
            isTaken[input, default: [Bool](repeating: false, count: spec(of: place).shape.count)][element] =
                true
        }
        return isTaken.sorted { $0.key < $1.key }.map { input, isTaken in
            (input, isTaken.allSatisfy(\.self) ? nil : isTaken.indices.filter { isTaken[$0] })
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
