import MIOBase
import MIOConfig

/// The layers a job file can name.
///
/// A program adds layers of its own by `register(_:)`, before it reads a job.
public enum LayerRegistry {
    /// One line a layer.
    static let types: [any Layer.Type] = [
        InputLayer.self,
        Dense.self,
        Conv2D.self,
        Conv1D.self,
        DepthwiseConv2D.self,
        DepthwiseConv1D.self,
        SeparableConv2D.self,
        SeparableConv1D.self,
        Conv2DTranspose.self,
        Conv1DTranspose.self,
        MaxPooling2D.self,
        MaxPooling1D.self,
        AveragePooling2D.self,
        AveragePooling1D.self,
        GlobalMaxPooling2D.self,
        GlobalMaxPooling1D.self,
        GlobalAveragePooling2D.self,
        GlobalAveragePooling1D.self,
        ZeroPadding2D.self,
        ZeroPadding1D.self,
        Cropping2D.self,
        Cropping1D.self,
        UpSampling2D.self,
        UpSampling1D.self,
        Flatten.self,
        Reshape.self,
        Permute.self,
        RepeatVector.self,
        Identity.self,
        Concatenate.self,
        Add.self,
        Subtract.self,
        Multiply.self,
        Average.self,
        Maximum.self,
        Minimum.self,
        Dot.self,
        Dropout.self,
        ActivityRegularization.self,
        SpatialDropout1D.self,
        SpatialDropout2D.self,
        SpatialDropout3D.self,
        AlphaDropout.self,
        GaussianNoise.self,
        GaussianDropout.self,
        ActivationLayer.self,
        ReLU.self,
        LeakyReLU.self,
        ELU.self,
        PReLU.self,
        Softmax.self,
        LayerNormalization.self,
        UnitNormalization.self,
        Normalization.self,
        Rescaling.self,
        BatchNormalization.self,
        GroupNormalization.self,
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
        UnaryOperation.self,
        BinaryOperation.self,
        Reduction.self,
        GetItem.self,
        MatrixMultiplication.self,
    ]

    private static let registry = Registry("a layer", types) { [$0.className] }

    /// All classes that a job may name.
    public static var classNames: [String] { registry.names }

    /// Whether a class is one of mio's own, and not one that a program registered.
    package static func isBuiltIn(_ className: String) -> Bool {
        types.contains { $0.className == className }
    }

    /// Makes an input of a model from Keras' arguments.
    /// - Throws: `ConfigError`: an unknown argument, a bad value.
    package static func makeInput(named name: String, config: inout ConfigReader) throws(ConfigError)
        -> any Layer
    {
        let layer = try InputLayer(attributes: LayerAttributes(name: name), config: &config)
        try config.finish()
        return layer
    }

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
        do throws(ConfigError) {
            try registry.register(type, swiftName: swiftName, reserved: modelClassNames)
        } catch {
            throw GraphError(place: "layer class \(quoted: type.className)", message: error.message)
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
        guard let type = registry.entry(named: className) else {
            throw config.error(
                classKey, ConfigReader.unknown(className, valid: classNames + modelClassNames))
        }
        let attributes = LayerAttributes(
            name: try config.optionalString("name"),
            trainable: try config.boolean("trainable", default: true),
            activityRegularizer: try activityRegularizer(of: type, &config))
        let layer = try type.init(attributes: attributes, config: &config)
        try config.accept(.ofEveryLayer + type.kerasArguments)
        try config.finish()
        return layer
    }

    private static func activityRegularizer(of type: any Layer.Type, _ config: inout ConfigReader)
        throws(ConfigError) -> (any Regularizer)?
    {
        let key = "activity_regularizer"
        // MultiHeadAttention gives it to the layers inside it.
        if type.kerasArguments.contains(where: { $0.name == key }) { return nil }
        config.describe(key, "a regularizer")
        guard let value = config.value(key) else { return nil }
        if type == InputLayer.self {
            throw config.error(key, "an input computes nothing; regularize what is computed of it")
        }
        if type == ActivityRegularization.self {
            throw config.error(key, "the layer is one itself; set l1 and l2, and leave this out")
        }
        return try RegularizerRegistry.read(value, at: config.path.appending(key))
    }
}
