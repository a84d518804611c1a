import MIOBase
import MIOConfig

/// Keras' `data_format`: the axis of a sample that its channels are.
public enum DataFormat: String, CaseIterable, Sendable {
    /// The last one: (height, width, channels), (steps, channels).
    case channelsLast = "channels_last"
    /// The first one: (channels, height, width), (channels, steps).
    case channelsFirst = "channels_first"
}

extension DataFormat {
    /// Reads `data_format`; null is Keras' default, too.
    init(from config: inout ConfigReader) throws(ConfigError) {
        let key = "data_format"
        if config.isNull(key) {
            _ = config.value(key)
            self = .channelsLast
        } else {
            self = try config.choice(key, default: .channelsLast)
        }
    }
}

/// A sample with one or two spatial axes, as an image. One with a single spatial axis is an image of one row.
package struct ImageView: Hashable, Sendable {
    package let height: Int
    package let width: Int
    package let channels: Int
    /// Elements from one pixel of a row to the next.
    package let pixelStride: Int
    /// Elements from one channel of a pixel to the next.
    package let channelStride: Int
    private let spatialAxes: Int
    private let format: DataFormat

    /// - Throws: `ShapeError` unless there is one tensor of that many axes.
    init(_ inputs: [Shape], spatialAxes: Int, _ format: DataFormat) throws(ShapeError) {
        guard inputs.count == 1, inputs[0].rank == spatialAxes + 1 else {
            let axes = spatialAxes == 1 ? "steps" : "height, width"
            throw ShapeError(
                expected: format == .channelsLast
                    ? "one tensor (\(axes), channels)" : "one tensor (channels, \(axes))", received: inputs)
        }
        self.init(inputs[0], spatialAxes, format)
    }

    /// The same for the shapes of a call, which the graph has checked.
    init(checked inputs: [Shape], spatialAxes: Int, _ format: DataFormat) {
        self.init(inputs[0], spatialAxes, format)
    }

    private init(_ sample: Shape, _ spatialAxes: Int, _ format: DataFormat) {
        let first = format == .channelsLast ? 0 : 1
        self.init(
            height: spatialAxes == 1 ? 1 : sample[first], width: sample[first + spatialAxes - 1],
            channels: format == .channelsLast ? sample.last : sample[0], spatialAxes, format)
    }

    /// Of sizes alone: a call makes it, and allocates nothing.
    private init(height: Int, width: Int, channels: Int, _ spatialAxes: Int, _ format: DataFormat) {
        self.height = height
        self.width = width
        self.channels = channels
        self.spatialAxes = spatialAxes
        self.format = format
        pixelStride = format == .channelsLast ? channels : 1
        channelStride = format == .channelsLast ? 1 : height * width
    }

    /// (height, width, channels)
    package var image: Shape { [height, width, channels] }

    /// The sample's shape as the layer's `data_format` has it.
    package var sample: Shape {
        let spatial = spatialAxes == 1 ? [width] : [height, width]
        return Shape(format == .channelsLast ? spatial + [channels] : [channels] + spatial)
    }

    /// The view of a sample with other sizes, that lies alike.
    package func resized(height: Int, width: Int, channels: Int) -> ImageView {
        ImageView(height: height, width: width, channels: channels, spatialAxes, format)
    }

    /// Where the first channel of a pixel is.
    @inline(__always)
    package func offset(sample index: Int, row: Int, column: Int) -> Int {
        index * height * width * channels + (row * width + column) * pixelStride
    }
}

/// A layer that works on samples with spatial axes and channels.
package protocol ImageLayer: Layer {
    /// 1: sequences; 2: images.
    static var spatialAxes: Int { get }
    var dataFormat: DataFormat { get set }
}

extension ImageLayer {
    /// The sample of a call as an image.
    package func view(_ inputs: [Shape]) throws(ShapeError) -> ImageView {
        try ImageView(inputs, spatialAxes: Self.spatialAxes, dataFormat)
    }

    /// The same for a call that the graph has checked.
    package func view(checked inputs: [Shape]) -> ImageView {
        ImageView(checked: inputs, spatialAxes: Self.spatialAxes, dataFormat)
    }

    /// The layer that computes the same of images with channels last; itself if it is that.
    package var channelsLast: Self {
        var layer = self
        layer.dataFormat = .channelsLast
        return layer
    }
}
