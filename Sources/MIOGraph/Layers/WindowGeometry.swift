import MIOBase
import MIOConfig

/// Keras' `padding`.
public enum Padding: String, CaseIterable, Sendable {
    /// No padding: only windows that lie inside.
    case valid
    /// ⌈input / stride⌉ windows; what is missing is split evenly, the odd one after (TensorFlow's rule).
    case same
}

/// How a window of `size` moves along one axis.
public struct WindowAxis: Hashable, Sendable {
    public let input: Int
    public let output: Int
    public let size: Int
    public let stride: Int
    /// Padding before the first element and after the last.
    public let before: Int
    public let after: Int

    /// `nil` if no window fits.
    public init?(input: Int, size: Int, stride: Int, padding: Padding) {
        self.input = input
        self.size = size
        self.stride = stride
        switch padding {
        case .valid:
            guard input >= size else { return nil }
            output = (input - size) / stride + 1
            before = 0
            after = 0
        case .same:
            guard input >= 1 else { return nil }
            output = (input + stride - 1) / stride
            let total = max((output - 1) * stride + size - input, 0)
            before = total / 2
            after = total - before
        }
    }

    /// The window positions, 0..<size, that hit the input for the output `position`.
    @inlinable
    public func window(at position: Int) -> Range<Int> {
        let start = position * stride - before
        return max(0, -start)..<max(max(0, -start), min(size, input - start))
    }
}

/// A window over (height, width, channels).
public struct WindowGeometry: Hashable, Sendable {
    public let height: WindowAxis
    public let width: WindowAxis
    public let channels: Int

    /// - Throws: `ShapeError` unless there is one input of rank 3 that a window fits into.
    public init(inputs: [Shape], size: [Int], strides: [Int], padding: Padding) throws(ShapeError) {
        guard inputs.count == 1, inputs[0].rank == 3 else {
            throw ShapeError(expected: "one tensor (height, width, channels)", received: inputs)
        }
        guard
            let height = WindowAxis(
                input: inputs[0][0], size: size[0], stride: strides[0], padding: padding),
            let width = WindowAxis(input: inputs[0][1], size: size[1], stride: strides[1], padding: padding)
        else {
            throw ShapeError(
                expected: "an image of at least \(size[0])×\(size[1]), the window's size", received: inputs)
        }
        self.height = height
        self.width = width
        channels = inputs[0][2]
    }

    /// The same for shapes that the graph has checked: that they do not fit is a bug.
    init(checked inputs: [Shape], size: [Int], strides: [Int], padding: Padding) {
        do {
            try self.init(inputs: inputs, size: size, strides: strides, padding: padding)
        } catch {
            preconditionFailure("a call that the graph has checked: \(error.message)")
        }
    }
}
