import MIOBase

/// Where the elements of a result come from in a tensor: at each place along the axes a fixed distance on.
package struct Rearrangement: Hashable, Sendable {
    /// The extents of a sample of the result, outermost first.
    package let sizes: [Int]
    /// For each axis the elements of the tensor from one place to the next; 0 repeats, less than 0 goes backwards.
    package let strides: [Int]
    /// The first element.
    package let offset: Int

    package init(sizes: [Int], strides: [Int], offset: Int = 0) {
        self.sizes = sizes
        self.strides = strides
        self.offset = offset
    }

    /// The elements from one place of each axis of a shape to the next.
    package static func strides(of shape: Shape) -> [Int] {
        var strides: [Int] = []
        var stride = 1
        for size in shape.dimensions.reversed() {
            strides.append(stride)
            stride *= size
        }
        return strides.reversed()
    }

    /// The axes of a shape in another order.
    package init(permuting shape: Shape, by axes: [Int]) {
        let all = Self.strides(of: shape)
        self.init(sizes: axes.map { shape[$0] }, strides: axes.map { all[$0] })
    }

    /// Where an element of the result comes from.
    @inline(__always)
    package func place(of element: Int) -> Int {
        var (rest, place) = (element, offset)
        for axis in sizes.indices.reversed() {
            place += rest % sizes[axis] * strides[axis]
            rest /= sizes[axis]
        }
        return place
    }
}

/// A layer whose result is elements of its one input, at other places: none, once or more often.
public protocol RearrangingLayer: Layer {
    /// - Precondition: the layer can be called on the shape.
    func places(of input: Shape) -> RearrangedElements
}

/// What a `RearrangingLayer` says about its result.
public struct RearrangedElements: Hashable, Sendable {
    package let rearrangement: Rearrangement

    package init(_ rearrangement: Rearrangement) { self.rearrangement = rearrangement }
}

extension RearrangingLayer {
    package func rearrangement(of input: Shape) -> Rearrangement { places(of: input).rearrangement }

    public func results(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
        try movedResults(for: inputs)
    }

    public func movedElements(of inputs: [Shape]) -> ((Int) -> (input: Int, element: Int))? {
        let rearrangement = rearrangement(of: inputs[0])
        return { (0, rearrangement.place(of: $0)) }
    }

    /// None: values only move.
    public func flops(ofInput input: Int, of inputs: [Shape], output: Shape) -> LayerFlops { LayerFlops(0) }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory { .gradientAlone }

    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let (shape, count) = (call.inputShapes[0], call.outputShape.count)
        let rearrangement = rearrangement(of: shape)
        for sample in 0..<call.samples {
            for element in 0..<count {
                call.copy(
                    1, ofInput: 0, from: sample * shape.count + rearrangement.place(of: element),
                    to: sample * count + element)
            }
        }
    }

    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        guard let gradient = call.inputGradients[0] else { return }
        let (shape, count) = (call.forward.inputShapes[0], call.forward.outputShape.count)
        let rearrangement = rearrangement(of: shape)
        for sample in 0..<call.samples {
            let (dx, dy) = (gradient + sample * shape.count, call.outputGradient + sample * count)
            for element in 0..<count { dx[rearrangement.place(of: element)] += dy[element] }
        }
    }
}
