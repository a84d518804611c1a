import MIOBase
import MIOConfig
import Synchronization

/// The layers a job file can name. The names are an allow-list: nothing else is ever constructed.
///
/// A program adds layers of its own by `register(_:)`, before it reads a job.
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
        Embedding.self,
        Masking.self,
        LSTM.self,
        GRU.self,
        SimpleRNN.self,
        MultiHeadAttention.self,
        Attention.self,
        AdditiveAttention.self,
        Bidirectional.self,
        TimeDistributed.self,
    ]

    /// Those of the program.
    private static let registered = Mutex<[any Layer.Type]>([])

    private static var all: [any Layer.Type] { types + registered.withLock { $0 } }

    /// All classes that a job may name.
    public static var classNames: [String] { all.map { $0.className } }

    /// Makes a layer of the program known to job files.
    /// - Throws: `GraphError` if a layer has the name already, or if it is no name.
    public static func register<Own: SpanLayer>(_ type: Own.Type) throws(GraphError) {
        try register(OwnLayer<Own>.self, named: "\(Own.self)")
    }

    /// The same for a layer that is written with pointers, as mio's own are.
    public static func register<Own: Layer>(_ type: Own.Type) throws(GraphError) {
        try register(type, named: "\(Own.self)")
    }

    private static func register(_ type: any Layer.Type, named swiftName: String) throws(GraphError) {
        let name = type.className
        let place = "layer class \(quoted: name)"
        guard !name.isEmpty, name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" }) else {
            throw GraphError(
                place: place,
                message: "a className has letters, digits and underscores; change that of \(swiftName)")
        }
        let isTaken = registered.withLock { registered in
            let isTaken =
                (types + registered).contains { $0.className == name } || modelClassNames.contains(name)
            if !isTaken { registered.append(type) }
            return isTaken
        }
        guard !isTaken else {
            throw GraphError(
                place: place,
                message:
                    "is registered already; give \(swiftName) a className of its own, and register it once")
        }
    }

    /// The classes of nested models, which are made of their layers.
    public static var modelClassNames: [String] { [Functional.className, SequentialLayer.className] }

    /// Makes a layer from Keras' arguments: `name`, `trainable`, and the class' own.
    /// - Parameter classKey: the key under which the class is named, for the error's path.
    /// - Throws: `ConfigError`: an unknown class or argument, with the nearest valid one; a bad value.
    public static func makeLayer(className: String, classKey: String, config: inout ConfigReader)
        throws(ConfigError) -> any Layer
    {
        guard let type = all.first(where: { $0.className == className }) else {
            throw config.error(
                classKey, ConfigReader.unknown(className, valid: classNames + modelClassNames))
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
