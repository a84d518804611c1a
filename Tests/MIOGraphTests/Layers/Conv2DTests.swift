import MIOBase
import MIOGraph
import Testing

@Suite struct Conv2DTests {
    static let image: [Float] = [1, 2, 3, 4, 5, 6, 7, 8, 9]

    /// The kernel adds each pixel and its neighbour to the lower right.
    private func run(_ layer: Conv2D) throws -> LayerRun<Float> {
        try LayerRun(layer, shapes: [[3, 3, 1]], inputs: [Self.image], weights: [[1, 0, 0, 1], [0]])
    }

    @Test func validByHand() throws {
        let run = try run(Conv2D(1, kernelSize: 2))
        #expect(run.forward() == [6, 8, 12, 14])
        let gradients = run.backward([1, 10, 100, 1000])
        #expect(gradients.inputs == [[1, 10, 0, 100, 1001, 10, 0, 100, 1000]])
        #expect(gradients.weights == [[5421, 6532, 8754, 9865], [1111]])
    }

    @Test func samePadsTheOddOneAfter() throws {
        #expect(
            try run(Conv2D(1, kernelSize: 2, padding: .same)).forward() == [6, 8, 3, 12, 14, 6, 7, 8, 9])
        #expect(try run(Conv2D(1, kernelSize: 2, strides: 2, padding: .same)).forward() == [6, 3, 7, 9])
    }

    @Test func stridesSkip() throws {
        #expect(try run(Conv2D(1, kernelSize: 2, strides: 2)).forward() == [6])
        #expect(try run(Conv2D(1, kernelSize: [2, 2], strides: [1, 2])).forward() == [6, 12])
    }

    struct Geometry: Sendable {
        let height: Int
        let width: Int
        let size: [Int]
        let strides: [Int]
        let padding: Padding
    }

    @Test(arguments: [
        Geometry(height: 4, width: 5, size: [3, 3], strides: [1, 1], padding: .valid),
        Geometry(height: 5, width: 4, size: [3, 2], strides: [2, 1], padding: .same),
        Geometry(height: 5, width: 5, size: [2, 3], strides: [2, 3], padding: .same),
        Geometry(height: 5, width: 6, size: [1, 1], strides: [2, 2], padding: .valid),
        Geometry(height: 1, width: 2, size: [3, 3], strides: [1, 1], padding: .same),
        Geometry(height: 5, width: 3, size: [1, 2], strides: [3, 1], padding: .same),
    ]) func gradients(geometry: Geometry) throws {
        let layer = { (activation: Activation, useBias: Bool) in
            Conv2D(
                3, kernelSize: geometry.size, strides: geometry.strides, padding: geometry.padding,
                activation: activation, useBias: useBias)
        }
        let shape: Shape = [geometry.height, geometry.width, 2]
        let terms = geometry.size[0] * geometry.size[1] * 2 + 1
        try checkGradients(of: layer(.linear, false), shapes: [shape], terms: terms)
        try checkGradients(of: layer(.relu, true), shapes: [shape], terms: terms)
        try expectOffKink(of: layer(.linear, true), shapes: [shape])
        try checkGradients(of: layer(.tanh, true), shapes: [shape], terms: terms)
        try checkFloatAgreesWithDouble(
            layer(.sigmoid, true), shapes: [shape], terms: max(terms, 2 * geometry.height * geometry.width))
    }

    @Test func weightsAreKeras() {
        let weights = Conv2D(8, kernelSize: [3, 5]).weights(for: [[10, 10, 4]])
        #expect(weights.map(\.shape) == [[3, 5, 4, 8], [8]])
        #expect(weights[0].fanIn == 60 && weights[0].fanOut == 120)
    }

    @Test func anImageSmallerThanTheKernelIsRefused() {
        let error = #expect(throws: ShapeError.self) {
            try Conv2D(1, kernelSize: 3).outputShape(for: [[2, 8, 1]])
        }
        #expect(
            error?.message == "expected an image of at least 3×3, the window's size, received (2, 8, 1)")
    }

    @Test func aKernelThatFitsNoMemoryIsRefused() {
        let error = #expect(throws: ShapeError.self) {
            try Conv2D(1 << 30, kernelSize: 1 << 30, padding: .same).outputShape(for: [[4, 4, 4]])
        }
        #expect(error?.message.hasPrefix("its weight \"kernel\" of shape (1073741824, ") == true)
    }
}
