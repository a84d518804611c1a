import MIOBase
import MIOConfig

/// A layer of your own program, written without pointers: its tensors are spans of float32, checked against their bounds.
///
///     struct Scale: SpanLayer {
///         static let className = "Scale"
///         init(config: inout ConfigReader) throws(ConfigError) {}
///
///         func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape { inputs[0] }
///         func weights(for inputs: [Shape]) -> [WeightDescription] {
///             [WeightDescription(name: "factor", shape: [inputs[0].last], initializer: .ones)]
///         }
///         func forward(_ call: borrowing SpanForward) {
///             let (x, factor) = (call.input(0), call.weight(0))
///             var y = call.output
///             for i in x.indices { y[i] = x[i] * factor[i % factor.count] }
///         }
///         func backward(_ call: borrowing SpanBackward) { … }
///     }
///
///     try LayerRegistry.register(Scale.self)      // then a job names it: {name: scale, class: Scale, inputs: x}
///
/// In Swift `Scale().named("scale")` is a layer like any other. Shapes are those of one sample. A span holds all samples of
/// a call, one after another: element `i` of sample `s` is at `s * shape.count + i`. `GradientComparison` compares
/// `backward` with differences of `forward`.
///
/// A rank's threads call one value at the same time, on different samples: keep nothing in it between calls. Sums over
/// samples belong in `weightGradient`, which is added up over all threads and ranks.
public protocol SpanLayer: Sendable {
    /// The class that a job file names.
    static var className: String { get }

    /// Reads the arguments of a job file. `name` and `trainable` are read already; keys that are not asked for are refused.
    init(config: inout ConfigReader) throws(ConfigError)

    /// The arguments, complete: `init(config:)` makes an equal layer of them.
    var config: ConfigDictionary { get }

    /// The shape of the result.
    /// - Throws: `ShapeError` with what the layer expects and what it received.
    func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape

    /// The weights that the first call creates; later calls share them.
    func weights(for inputs: [Shape]) -> [WeightDescription]

    /// What forward keeps for backward, and which tensors backward reads.
    func memory(for inputs: [Shape], output: Shape) -> LayerMemory

    /// Where the mask of the result comes from.
    var maskRule: MaskRule { get }

    /// Writes the whole of `call.output`, and of `call.kept` if the layer asks for it.
    func forward(_ call: borrowing SpanForward)

    /// Adds to the gradients of inputs and weights that are asked for.
    func backward(_ call: borrowing SpanBackward)
}

extension SpanLayer {
    public var config: ConfigDictionary { [:] }
    public func weights(for inputs: [Shape]) -> [WeightDescription] { [] }
    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory { LayerMemory() }
    public var maskRule: MaskRule { .none }

    /// The layer, to be called on symbolic tensors. Copies of what this returns share their weights.
    /// - Parameters:
    ///   - name: `nil` for `scale`, `scale_1`, …
    ///   - trainable: whether training changes its weights.
    public func named(_ name: String? = nil, trainable: Bool = true) -> any Layer {
        OwnLayer(self, attributes: LayerAttributes(name: name, trainable: trainable))
    }

    /// Calls the layer; each call makes one of its own, with its own weights. To share weights call `named(_:)` once.
    public func callAsFunction(_ inputs: [SymbolicTensor]) -> SymbolicTensor {
        OwnLayer(self, attributes: LayerAttributes())(inputs)
    }
    /// Calls it on tensors, as Keras calls a layer.
    public func callAsFunction(_ input: SymbolicTensor) -> SymbolicTensor { self([input]) }
}
