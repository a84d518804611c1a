import MIOBase
import MIOConfig

/// The mean of each channel over all steps.
/// <https://keras.io/api/layers/pooling_layers/global_average_pooling1d/>
///
/// x (steps, channels) → y (channels,), with `keepdims` (1, channels).
/// Steps that a mask leaves out are not part of the mean; where it leaves out all of them, that is no number.
public struct GlobalAveragePooling1D: GlobalPoolingLayer {
    public static var className: String { "GlobalAveragePooling1D" }
    package static let spatialAxes = 1
    package static let isMaximum = false
    /// The name, and whether the weights are trained.
    public let attributes: LayerAttributes
    package var arguments: GlobalPoolingArguments

    /// Keras' arguments, with its defaults.
    public init(dataFormat: DataFormat = .channelsLast, keepdims: Bool = false, name: String? = nil) {
        attributes = LayerAttributes(name: name)
        arguments = GlobalPoolingArguments(dataFormat: dataFormat, keepdims: keepdims)
    }

    public init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError) {
        self.attributes = attributes
        arguments = try GlobalPoolingArguments(from: &config)
    }

    public var readsMasks: Bool { true }

    public func check(masks: [Shape?], for inputs: [Shape]) throws(ShapeError) {
        let steps: Shape = [view(checked: inputs).width]
        guard let mask = masks[0], mask != steps else { return }
        throw ShapeError("expected a mask of its steps \(steps), received one of \(mask)")
    }
}
