import MIOBase
import MIOConfig
import MIOGraph

/// A loss of one output: a value, and its arithmetic.
///
/// A loss gives one number a *position* (each index of every axis but the prediction's last), as Keras'
/// loss functions do before their reduction. How the numbers become one is `reduction`'s matter.
///
/// To add one: a file like `Huber.swift` (without arguments like `Poisson.swift`), a line in `LossRegistry`, a test. It
/// trains on its plain loop; a fast one is
/// `forwardNative`, in the same file.
public protocol Loss: Sendable {
    /// The Keras class: `MeanSquaredError`.
    static var className: String { get }
    /// What a job file may write for it beside the class name: `mean_squared_error`, `mse`.
    static var names: [String] { get }
    /// Arguments of the Keras class that this loss does not have, beside `name` and `dtype`.
    static var kerasArguments: [KerasArgument] { get }

    /// Reads the arguments of a job file's mapping, not `class` and not `finish()`.
    init(reading reader: inout ConfigReader) throws(ConfigError)

    /// The whole of it as a job file says it: `{class: Huber, delta: 1.0, reduction: …}`.
    var config: ConfigValue { get }

    /// How the losses of all positions of a batch become one number.
    var reduction: LossReduction { get }
    /// What targets are.
    var targetKind: TargetKind { get }

    /// Whether a target is a class label, so that the output's missing label can stand in its place: class
    /// indices, and the 0 or 1 of a binary crossentropy.
    var hasClassLabels: Bool { get }

    /// The class label that stands for no label, where Keras says so of the loss; `nil` for none.
    var ignoreClass: Int? { get }

    /// Whether a position's loss is the mean of a function of one prediction and one target each, so that a missing
    /// element can leave out itself alone. Where it is not, a position with a missing element has no label.
    var isElementwise: Bool { get }

    /// Whether predictions are logits, the inputs of a softmax or sigmoid that the loss itself applies.
    var fromLogits: Bool { get }

    /// The activation that this loss computes better together with itself: if the output's last operation
    /// is this one, run `readingLogits()` on what goes into it instead. `nil` if there is none.
    var absorbs: Activation? { get }

    /// The same loss of logits; the loss itself where `absorbs` is nil.
    func readingLogits() -> Self

    /// The canonical shape of one sample's target for a prediction of this shape.
    /// - Throws: `LossShapeError` if this loss cannot take such a prediction.
    func targetShape(forPrediction prediction: Shape) throws(LossShapeError) -> Shape

    /// The same loss for predictions of one shape; called once, before any other method that takes a `LossCall`.
    /// - Parameter prediction: one sample's, which `targetShape(forPrediction:)` has accepted.
    func fitting(_ prediction: Shape) -> Self

    /// The numbers that this loss, fitted to its predictions, adds up before it knows any position's loss; `.none` for most.
    var sums: LossSums { get }

    /// Adds what the positions of a call contribute to `call.sums`. Its scales are what multiplies each position's loss, also
    /// where no gradient is asked for.
    func addSums<T: Scalar>(_ call: LossCall<T>)

    /// Σ scaleᵢ·ℓᵢ over all positions that have been added to some sums.
    func total(ofSums sums: UnsafePointer<Double>) -> Double

    /// Computes losses and, if asked, gradient and probabilities of all positions: the plain implementation, the oracle of
    /// `forwardNative`.
    func forward<T: Scalar>(_ call: LossCall<T>)

    /// The same in 32-bit floats, as fast as the machine can. Training calls this one.
    func forwardNative(_ call: LossCall<Float>)
}

extension Loss {
    public static var kerasArguments: [KerasArgument] { [] }
    /// What targets are.
    public var targetKind: TargetKind { .real }
    public var hasClassLabels: Bool { targetKind == .classIndex }
    public var ignoreClass: Int? { nil }
    public var fromLogits: Bool { false }
    public var absorbs: Activation? { nil }
    public func readingLogits() -> Self { self }
    public func forwardNative(_ call: LossCall<Float>) { forward(call) }
    public func fitting(_ prediction: Shape) -> Self { self }
    public var sums: LossSums { .none }
    public func addSums<T: Scalar>(_ call: LossCall<T>) {}
    public func total(ofSums sums: UnsafePointer<Double>) -> Double { 0 }

    public func targetShape(forPrediction prediction: Shape) throws(LossShapeError) -> Shape { prediction }
}

/// A prediction whose shape a loss cannot take.
public struct LossShapeError: MIOError, Hashable {
    /// The loss's class.
    public let loss: String
    /// The output's shape.
    public let prediction: Shape
    /// What was expected, and what to do.
    public let reason: String

    /// A loss that cannot be taken of an output.
    public init(loss: String, prediction: Shape, reason: String) {
        self.loss = loss
        self.prediction = prediction
        self.reason = reason
    }

    /// The exit code of a program that this error ends.
    public var exitCode: ExitCode { .badInput }
    public var description: String { "\(loss) cannot take a prediction of shape \(prediction): \(reason)" }
}
