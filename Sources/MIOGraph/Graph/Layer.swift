import MIOBase
import MIOConfig

/// A layer of a functional model: its arguments, its shape rule, its weights, and the plain forward and
/// backward that every faster kernel must match.
///
/// Adding one is one file that conforms to this, one line in `LayerRegistry`, and one test. Training works
/// from then on: a layer without a native kernel runs on its plain implementation.
///
/// Shapes are those of one sample. Arguments have Keras' names, in job files and in Swift (camel case).
public protocol Layer: Callable {
    /// Keras' class name, as job files and `.keras` files write it.
    static var className: String { get }

    /// Arguments of the Keras class that this layer does not have, beside those of every layer.
    static var kerasArguments: [KerasArgument] { get }

    /// Reads Keras' arguments. The caller has read `name`, and refuses unknown keys afterwards.
    init(attributes: LayerAttributes, config: inout ConfigReader) throws(ConfigError)

    /// The name, and whether the weights are trained.
    var attributes: LayerAttributes { get }

    /// A term of the loss for every result of every call: its sum over the samples, divided by the batch's samples.
    var activityRegularizer: (any Regularizer)? { get }

    /// Keras' arguments but `name` and `trainable`, complete, in Keras' order.
    var config: ConfigDictionary { get }

    /// The shape of the first result of a call on `inputs`.
    /// - Throws: `ShapeError` with what the layer expects and what it received.
    func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape

    /// How many tensors a call gives; it does not depend on the inputs.
    var resultCount: Int { get }

    /// The results of a call on `inputs`, `resultCount` of them. A layer with one result of real numbers made of real
    /// numbers has this already.
    /// - Throws: `ShapeError` with what the layer expects and what it received.
    func results(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec]

    /// The whole numbers that an input must hold; `nil` if it may hold anything. The input is one of the model's own, or
    /// elements of such that layers have only moved.
    func integerRange(ofInput input: Int) -> Range<Int>?

    /// Of a layer that only moves elements, whatever they are: from which input an element of a sample's one result comes, and
    /// which element it is there. `nil` for a layer that computes, or draws.
    /// - Precondition: the layer can be called on the shapes.
    func movedElements(of inputs: [Shape]) -> ((_ element: Int) -> (input: Int, element: Int))?

    /// Where the mask of a result comes from.
    func maskRule(ofResult result: Int) -> MaskRule

    /// Whether forward and backward read the masks of the inputs (`ForwardCall.masks`).
    var readsMasks: Bool { get }

    /// Refuses masks that do not fit. Called if the layer reads masks.
    /// - Parameter masks: of each input the shape of one sample's mask, if it has one.
    func check(masks: [Shape?], for inputs: [Shape]) throws(ShapeError)

    /// The weights that a first call on `inputs` creates, in Keras' order; later calls share them.
    func weights(for inputs: [Shape]) -> [WeightDescription]

    /// What a planner may do instead of calling it.
    var role: LayerRole { get }

    /// The activation f of y = f(z) with which it ends; `nil` if the layer has no such argument. A loss may prefer to
    /// compute f itself, from z.
    var outputActivation: Activation? { get }

    /// The layer that computes z where this one computes f(z); `nil` if it computes nothing but f.
    var withoutActivation: (any Layer)? { get }

    /// The layer with the same weights that computes f of what this one does, for a kernel that does both at once; `nil` if
    /// there is none. Its plain methods leave f out.
    func ending(in activation: Activation) -> (any Layer)?

    /// The layer with the same weights that computes in training what this one does in prediction (Keras'
    /// `training=False` of a call); itself if it makes no difference. A layer that draws by arguments called `rate`,
    /// `dropout`, `recurrent_dropout` or `stddev` has it already.
    var inInference: any Layer { get }

    /// The layer with the same weights that takes vectors and computes what this one does of their concatenation;
    /// `nil` if there is none.
    var readingJoinedInputs: (any Layer)? { get }

    /// Operations a sample for one of the inputs, as they are written down: a product and a sum are two.
    /// - Parameters:
    ///   - input: an index into `inputs`.
    ///   - inputs: the shapes of a sample of each input.
    ///   - output: the shape of a sample of the result.
    func flops(ofInput input: Int, of inputs: [Shape], output: Shape) -> LayerFlops

    /// Elements of its weights that a sample reads, of a layer that reads few rows of them; `nil` if a pass reads all of them,
    /// however many samples it has.
    func weightElementsOfSample(for inputs: [Shape]) -> Int?

    /// What forward keeps for backward, what both use, and which tensors backward reads: they stay until then, and no
    /// longer than they must.
    func memory(for inputs: [Shape], output: Shape) -> LayerMemory

    /// Writes the whole of `call.outputs`, and of `call.kept` if the layer asks for it.
    func forward<T: Scalar>(_ call: ForwardCall<T>)

    /// Adds to the gradients of inputs and weights that are asked for. Reads `call.outputGradient`, the weights, and what
    /// `memory(for:output:)` says.
    func backward<T: Scalar>(_ call: BackwardCall<T>)

    /// The numbers that a call in training needs of the whole global batch; `nil` for none.
    func batchSums(for inputs: [Shape]) -> BatchSums?

    /// Adds what these samples contribute to the sums that `forward` needs. Reads `call.inputs` and `call.masks`.
    /// - Parameter sums: `BatchSums.forward` numbers.
    func addForwardSums<T: Scalar>(_ call: ForwardCall<T>, to sums: UnsafeMutablePointer<Double>)

    /// Adds what these samples contribute to the sums that `backward` needs. Reads what `backward` may read.
    /// - Parameter sums: `BatchSums.backward` numbers.
    func addBackwardSums<T: Scalar>(_ call: BackwardCall<T>, to sums: UnsafeMutablePointer<Double>)

    /// Changes the weights whose role is `state`, once a step that counts, for each call.
    /// - Parameters:
    ///   - state: the layer's weights of that role, in the order of `weights(for:)`.
    ///   - isMasked: whether the first input has a mask.
    ///   - sums: those of `addForwardSums`, over the global batch.
    func updateState(
        _ state: [UnsafeMutablePointer<Float>], inputShapes: [Shape], isMasked: Bool,
        sums: UnsafePointer<Double>)
}

extension Layer {
    public static var kerasArguments: [KerasArgument] { [] }

    /// The most a size or a stride may be: what C libraries take for one.
    public static var largestArgument: Int { Int(Int32.max) }

    public func weights(for inputs: [Shape]) -> [WeightDescription] { [] }

    /// With rates of what is drawn at 0, also of layers inside it.
    public var inInference: any Layer {
        let (changed, isChanged) = config.withoutDropping
        guard isChanged else { return self }
        var reader = ConfigReader(changed, at: ConfigPath())
        return (try? Self(attributes: attributes, config: &reader)) ?? self
    }

    public var resultCount: Int { 1 }

    public func movedElements(of inputs: [Shape]) -> ((Int) -> (input: Int, element: Int))? { nil }

    public var activityRegularizer: (any Regularizer)? { attributes.activityRegularizer }

    /// - Throws: `ShapeError` if one of them holds integers.
    func requireReal(_ inputs: [TensorSpec]) throws(ShapeError) {
        guard inputs.allSatisfy({ $0.element == .float32 }) else {
            throw ShapeError(
                "expected tensors of float32, received "
                    + inputs.map(\.description).joined(separator: " and ")
                    + "; integers go into an Embedding")
        }
    }

    public func results(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
        try requireReal(inputs)
        return [TensorSpec(try outputShape(for: inputs.map(\.shape)))]
    }

    /// The result of a layer that only moves elements, which stay what they are.
    /// - Throws: `ShapeError` if some are whole numbers and others are not.
    func movedResults(for inputs: [TensorSpec]) throws(ShapeError) -> [TensorSpec] {
        let shape = try outputShape(for: inputs.map(\.shape))
        if Set(inputs.map(\.element)).count > 1 { try requireReal(inputs) }
        return [TensorSpec(shape, inputs[0].element)]
    }

    /// Calls the layer on symbolic tensors. Shapes are checked when the `Model` is made.
    /// - Returns: the first result; `all(_:)` gives all of them.
    public func callAsFunction(_ inputs: [SymbolicTensor]) -> SymbolicTensor {
        SymbolicTensor(node: SymbolicNode(layer: self, inputs: inputs))
    }

    /// Calls the layer on symbolic tensors and returns all results.
    public func all(_ inputs: [SymbolicTensor]) -> [SymbolicTensor] {
        let node = SymbolicNode(layer: self, inputs: inputs)
        return (0..<resultCount).map { SymbolicTensor(node: node, result: $0) }
    }

    /// Calls the layer on symbolic tensors so that it computes in training what it does in prediction: batch normalization
    /// uses its moving statistics, dropout drops nothing (Keras' `layer(x, training=False)`).
    public func inInference(_ inputs: [SymbolicTensor]) -> [SymbolicTensor] {
        let node = SymbolicNode(layer: self, inputs: inputs, isInference: true)
        return (0..<resultCount).map { SymbolicTensor(node: node, result: $0) }
    }

    /// Calls it on tensors, as Keras calls a layer.
    public func callAsFunction(_ input: SymbolicTensor) -> SymbolicTensor { self([input]) }
}

extension ConfigDictionary {
    /// The arguments with rates of what is drawn at 0, and whether one changed.
    fileprivate var withoutDropping: (ConfigDictionary, Bool) {
        var changed = self
        var isChanged = false
        for (key, value) in entries {
            switch value {
            case .real(let rate)
            where rate != 0 && ["rate", "dropout", "recurrent_dropout", "stddev"].contains(key):
                changed[key] = 0.0
                isChanged = true
            case .dictionary(let inner) where inner["class"] != nil:
                let (without, isInnerChanged) = inner.withoutDropping
                if isInnerChanged {
                    changed[key] = .dictionary(without)
                    isChanged = true
                }
            default: break
            }
        }
        return (changed, isChanged)
    }
}

/// What every layer has: a name, whether training changes its weights, and an identity.
///
/// Copies of a layer share its identity, and with it the weights: calling one layer twice is sharing.
public struct LayerAttributes: Sendable {
    /// `nil` until the model names the layer as Keras does: `dense`, `dense_1`, …
    public let name: String?
    /// Whether the weights are trained.
    public let trainable: Bool
    /// A term of the loss made of the layer's results (Keras' `activity_regularizer`).
    public let activityRegularizer: (any Regularizer)?
    let identity = LayerIdentity()

    /// Without a name the layer gets one by its class.
    public init(
        name: String? = nil, trainable: Bool = true, activityRegularizer: (any Regularizer)? = nil
    ) {
        self.name = name
        self.trainable = trainable
        self.activityRegularizer = activityRegularizer
    }
}

final class LayerIdentity: Sendable {}

/// What training does with a weight.
package enum WeightRole: String, Hashable, Sendable {
    /// The optimizer changes it.
    case trained
    /// It could be trained, but its layer is not (`trainable: false`, `freeze`).
    case frozen
    /// The layer itself changes it, once a step (`Layer.updateState`): a moving average.
    case state
}

/// One weight of a layer, before it has values.
public struct WeightDescription: Hashable, Sendable {
    /// Within its layer: `kernel`, `bias`.
    public private(set) var name: String
    /// In Keras' order of axes.
    public let shape: Shape
    /// Its first values.
    public let initializer: Initializer
    /// Keras' `compute_fans`: the number of inputs and outputs one unit sees.
    public let fanIn: Int
    /// How many outputs a weight reaches, for initializers that scale by it.
    public let fanOut: Int
    /// Whether the layer itself changes it and not the optimizer.
    public let isState: Bool
    /// Its regularizer and its constraint.
    package let rules: WeightRules

    /// Keras' arguments, with its defaults.
    package init(
        name: String, shape: Shape, initializer: Initializer, fanIn: Int, fanOut: Int, isState: Bool = false,
        rules: WeightRules = .none
    ) {
        self.isState = isState
        self.name = name
        self.shape = shape
        self.initializer = initializer
        self.fanIn = fanIn
        self.fanOut = fanOut
        self.rules = rules
    }

    /// With the fans that Keras computes from the shape alone: of a vector its length, of a matrix its rows and columns, of
    /// more axes the last two times the product of those before.
    package init(
        name: String, shape: Shape, initializer: Initializer, isState: Bool = false,
        rules: WeightRules = .none
    ) {
        var window = 1
        for dimension in shape.dimensions.dropLast(2) { window = window.clampedTimes(dimension) }
        let (rows, columns) =
            switch shape.rank {
            case 0: (1, 1)
            case 1: (shape[0], shape[0])
            default: (shape[shape.rank - 2], shape.last)
            }
        self.init(
            name: name, shape: shape, initializer: initializer, fanIn: rows.clampedTimes(window),
            fanOut: columns.clampedTimes(window), isState: isState, rules: rules)
    }

    /// The same weight under another name.
    func named(_ name: String) -> WeightDescription {
        var other = self
        other.name = name
        return other
    }

    /// The same weight of a layer inside another one: its name is a path.
    func inside(_ layer: String) -> WeightDescription {
        var inner = self
        inner.name = "\(layer)/\(name)"
        return inner
    }

    /// A vector.
    package init(
        name: String, vector count: Int, initializer: Initializer, rules: WeightRules = .none
    ) {
        self.init(name: name, shape: [count], initializer: initializer, rules: rules)
    }
}

/// Shapes that a layer cannot be called on. The graph adds which layer.
public struct ShapeError: Error, Hashable, Sendable {
    /// What was expected, and received.
    public let message: String

    /// An error with a whole message.
    public init(_ message: String) { self.message = message }

    /// An error about the shapes of inputs.
    public init(expected: String, received: [Shape]) {
        message =
            "expected \(expected), received "
            + (received.isEmpty ? "nothing" : Self.listed(received))
    }

    /// `(2,) and (3,)`, or the first of many.
    static func listed(_ shapes: [Shape]) -> String {
        let most = 8
        return shapes.prefix(most).map(\.description).joined(separator: " and ")
            + (shapes.count > most ? " and \(shapes.count - most) more" : "")
    }
}

extension Shape {
    /// The most elements a tensor of a model may have: what no machine holds, and little enough that sizes
    /// in bytes and products with a batch do not overflow.
    static let largestCount = 1 << 40

    /// The most axes of a sample: numpy's arrays have 64, the samples among them.
    static let largestRank = 63

    /// - Parameter what: the tensor, in words: `its weight "kernel"`.
    /// - Throws: `ShapeError` if there are more elements than `largestCount` or more axes than `largestRank`.
    func checkCount(_ what: String) throws(ShapeError) {
        guard rank <= Self.largestRank else {
            throw ShapeError("\(what) has \(rank) axes; at most \(Self.largestRank) are possible")
        }
        var count = 1
        for dimension in dimensions where dimension != 1 {
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
            guard !overflow, product <= Self.largestCount else {
                throw ShapeError(
                    "\(what) of shape \(self) has more than \(Self.largestCount) elements, "
                        + "the most a tensor may have")
            }
            count = product
        }
    }
}
