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
package struct WindowAxis: Hashable, Sendable {
    package let input: Int
    package let output: Int
    package let size: Int
    package let stride: Int
    /// Padding before the first element and after the last.
    package let before: Int
    package let after: Int

    /// `nil` if no window fits.
    package init?(input: Int, size: Int, stride: Int, padding: Padding) {
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
    package func window(at position: Int) -> Range<Int> {
        let start = position * stride - before
        return max(0, -start)..<max(max(0, -start), min(size, input - start))
    }
}

/// A window over (height, width, channels).
package struct WindowGeometry: Hashable, Sendable {
    package let height: WindowAxis
    package let width: WindowAxis
    package let channels: Int

    /// - Throws: `ShapeError` unless there is one input of rank 3 that a window fits into.
    package init(inputs: [Shape], size: [Int], strides: [Int], padding: Padding) throws(ShapeError) {
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
