import MIOConfig
import MIOTensor

/// The layers a job file can name. The names are an allow-list: nothing else is ever constructed.
public enum LayerRegistry {
    /// One line a layer.
    static let types: [any Layer.Type] = [
        InputLayer.self,
        Dense.self,
        Conv2D.self,
        MaxPooling2D.self,
        Flatten.self,
        Reshape.self,
        Concatenate.self,
        Add.self,
        Dropout.self,
        ActivationLayer.self,
        LayerNormalization.self,
        BatchNormalization.self,
    ]

    public static var classNames: [String] { types.map { $0.className } }

    /// Makes a layer from Keras' arguments: `name`, `trainable`, and the class' own.
    /// - Parameter classKey: the key under which the class is named, for the error's path.
    /// - Throws: `ConfigError`: an unknown class or argument, with the nearest valid one; a bad value.
    public static func makeLayer(className: String, classKey: String, config: inout ConfigReader)
        throws(ConfigError) -> any Layer
    {
        guard let type = types.first(where: { $0.className == className }) else {
            throw config.error(classKey, ConfigReader.unknown(className, valid: classNames))
        }
        let attributes = LayerAttributes(
            name: try config.optionalString("name"),
            trainable: try config.boolean("trainable", default: true))
        let layer = try type.init(attributes: attributes, config: &config)
        try config.accept(.ofEveryLayer + type.kerasArguments)
        try config.finish()
        return layer
    }
}
