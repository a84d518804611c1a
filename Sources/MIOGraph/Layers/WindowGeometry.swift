import MIOBase
import MIOConfig

/// Keras' `padding`.
public enum Padding: String, CaseIterable, Sendable {
    /// No padding: only windows that lie inside.
    case valid
    /// ⌈input / stride⌉ windows; what is missing is split evenly, the odd one after (TensorFlow's rule).
    case same
}

/// Keras' `padding` of a `Conv1D`.
public enum SequencePadding: String, CaseIterable, Sendable {
    /// No padding: only windows that lie inside.
    case valid
    /// ⌈input / stride⌉ windows; what is missing is split evenly, the odd one after (TensorFlow's rule).
    case same
    /// All padding before the first step: a result depends on no later step.
    case causal
}

/// Every `padding` that a window knows.
package enum WindowPadding: String, Hashable, Sendable {
    case valid
    case same
    case causal

    init(_ padding: Padding) { self = padding == .same ? .same : .valid }

    init(_ padding: SequencePadding) {
        switch padding {
        case .valid: self = .valid
        case .same: self = .same
        case .causal: self = .causal
        }
    }
}

/// How a window of `size` moves along one axis.
package struct WindowAxis: Hashable, Sendable {
    package let input: Int
    package let output: Int
    package let size: Int
    package let stride: Int
    /// From one element of the window to the next.
    package let dilation: Int
    /// Padding before the first element and after the last.
    package let before: Int
    package let after: Int

    /// `nil` if no window fits.
    package init?(input: Int, size: Int, stride: Int, dilation: Int = 1, padding: WindowPadding) {
        self.input = input
        self.size = size
        self.stride = stride
        self.dilation = dilation
        let reach = Self.reach(size: size, dilation: dilation)
        switch padding {
        case .valid:
            guard input >= reach else { return nil }
            output = (input - reach) / stride + 1
            before = 0
            after = 0
        case .same:
            guard input >= 1 else { return nil }
            output = (input + stride - 1) / stride
            let total = max((output - 1) * stride + reach - input, 0)
            before = total / 2
            after = total - before
        case .causal:
            guard input >= 1 else { return nil }
            before = reach - 1
            after = 0
            output = (input - 1) / stride + 1
        }
    }

    /// One element that a window of one element hits: the axis that a sequence lacks.
    package static let single = WindowAxis(input: 1, size: 1, stride: 1, padding: .valid)!

    /// Elements from the first to the last of a window.
    static func reach(size: Int, dilation: Int) -> Int { (size - 1).clampedTimes(dilation).clampedPlus(1) }

    /// The window positions, 0..<size, that hit the input for the output `position`.
    @inlinable
    package func window(at position: Int) -> Range<Int> {
        let start = position * stride - before
        if dilation == 1 {
            return max(0, -start)..<max(max(0, -start), min(size, input - start))
        }
        let first = start < 0 ? (dilation - 1 - start) / dilation : 0
        let end = input <= start ? 0 : (input - start + dilation - 1) / dilation
        return first..<max(first, min(size, end))
    }

    /// The element of the input that a position of the window hits.
    @inlinable
    package func element(_ windowPosition: Int, at position: Int) -> Int {
        position * stride - before + windowPosition * dilation
    }
}

/// A window over (height, width, channels).
package struct WindowGeometry: Hashable, Sendable {
    package let height: WindowAxis
    package let width: WindowAxis
    package internal(set) var channels: Int

    /// - Parameters:
    ///   - size: of the window, for each spatial axis; strides and dilation likewise.
    /// - Throws: `ShapeError` if no window fits.
    init(
        _ image: ImageView, size: [Int], strides: [Int], dilation: [Int]? = nil, padding: WindowPadding
    ) throws(ShapeError) {
        let dilation = dilation ?? size.map { _ in 1 }
        func axis(_ index: Int, _ input: Int) -> WindowAxis? {
            WindowAxis(
                input: input, size: size[index], stride: strides[index], dilation: dilation[index],
                padding: padding)
        }
        let last = size.count - 1
        guard let height = last == 0 ? .single : axis(0, image.height), let width = axis(last, image.width)
        else {
            let reach = zip(size, dilation).map { WindowAxis.reach(size: $0, dilation: $1) }
            let what = reach.map(String.init).joined(separator: "×")
            throw ShapeError(
                expected: last == 0
                    ? "a sequence of at least \(counted(reach[0], "step")), the window's size"
                    : "an image of at least \(what), the window's size",
                received: [image.sample])
        }
        self.height = height
        self.width = width
        channels = image.channels
    }
}
