import MIOBase
import MIOConfig

/// An optimizer: a value, and the arithmetic that changes weights by their gradient.
///
/// The state of training is not in here: slots are memory of the caller's, one element a weight and slot,
/// `firstSlotValues` before the first step, updated together with the weights.
///
/// To add one: a file like `SGD.swift`, a line in `OptimizerRegistry`, a test with numbers by hand.
public protocol Optimizer: Sendable {
    /// The Keras class: `Adam`.
    static var className: String { get }
    /// What a job file may write for it beside the class name: `adam`.
    static var names: [String] { get }

    /// Reads the arguments of a job file's mapping, not `class` and not `finish()`.
    init(reading reader: inout ConfigReader) throws(ConfigError)

    /// The whole of it as a job file says it: `{class: Adam, learning_rate: 0.001, …}`.
    var config: ConfigValue { get }

    /// Learning rate, weight decay and clipping.
    var options: OptimizerOptions { get }

    /// The canonical names of the slots, in the order in which `ParameterRange.slots` holds them.
    var slotNames: [String] { get }

    /// What each slot is before the first step.
    var firstSlotValues: [Double] { get }

    /// The slots in the order of Keras' variables, in groups: of a group, Keras' optimizer makes the variables of one weight
    /// after those of another; groups come one after the other. Before them it has `iteration`, `learning_rate` unless that is a
    /// schedule, and with a moving average `average` of all weights.
    var kerasVariables: [[String]] { get }

    /// The numbers that Keras' optimizer keeps after all of those, as variables that are of no weight.
    /// - Parameter updates: how many there were.
    func kerasNumbers(updates: Int) -> [Float]

    /// The numbers of one step, the same for all parameters, in double precision.
    /// - Parameters:
    ///   - step: how many steps were done before, Keras' `iterations`: 0 in the first.
    ///   - learningRate: usually `options.learningRate.value(at: step)`.
    func makeUpdate(step: Int, learningRate: Double) -> UpdateScalars

    /// Changes the weights and slots of a range: the plain implementation, the oracle of `updateNative`.
    func update<T: Scalar>(_ range: ParameterRange<T>, with scalars: UpdateScalars)

    /// The same at the speed of memory, in one pass; bit-identical to `update` with `Float` on every machine.
    func updateNative(_ range: ParameterRange<Float>, with scalars: UpdateScalars)
}

extension Optimizer {
    public var firstSlotValues: [Double] { slotNames.map { _ in 0 } }
    public var kerasVariables: [[String]] { slotNames.isEmpty ? [] : [slotNames] }
    public func kerasNumbers(updates: Int) -> [Float] { [] }

    /// The slots, and what the moving average keeps: all that a training keeps of each weight.
    package var stateNames: [String] { slotNames + (options.average == nil ? [] : ["average"]) }

    /// `stateNames` in the order of Keras' variables, in groups as `kerasVariables`.
    package var kerasStateVariables: [[String]] {
        (options.average == nil ? [] : [["average"]]) + kerasVariables
    }

    /// What each of `stateNames` is before the first step.
    package var firstStateValues: [Double] { firstSlotValues + (options.average == nil ? [] : [0]) }

    /// The numbers of one step at the scheduled learning rate.
    public func makeUpdate(step: Int) -> UpdateScalars {
        makeUpdate(step: step, learningRate: options.learningRate.value(at: step))
    }
}

/// The numbers of one step that are the same for every weight. The update rounds them to its own precision.
public struct UpdateScalars: Hashable, Sendable {
    /// Of this update.
    public let learningRate: Double
    /// What the update rule multiplies its direction by: the learning rate; Adam's is corrected for bias.
    public let stepSize: Double
    /// Weight decay × learning rate: the part of itself that each weight loses. 0 for none.
    public let decay: Double
    /// What the rule needs besides: each optimizer says what.
    public let coefficients: SIMD2<Double>
    /// Gradient elements are clipped to ± this, after scaling; infinity for no clipping.
    public let gradientLimit: Double

    /// The numbers of one update.
    public init(
        learningRate: Double, stepSize: Double, options: OptimizerOptions, coefficients: SIMD2<Double> = .zero
    ) {
        self.coefficients = coefficients
        self.learningRate = learningRate
        self.stepSize = stepSize
        decay = (options.weightDecay ?? 0) * learningRate
        gradientLimit = options.clipping.elementLimit
    }
}

/// A contiguous run of parameters: what an update changes, and by what.
///
/// All pointers are to `count` elements; none overlaps another.
public struct ParameterRange<T: Scalar> {
    /// The elements.
    public let count: Int
    /// What is updated.
    public let weights: UnsafeMutablePointer<T>
    /// Read only: the same gradient can be looked at after the step.
    public let gradient: UnsafePointer<T>
    /// The optimizer's variables of these elements.
    public let slots: SlotPointers<T>
    /// What the gradient is multiplied by first: `GradientClipping.scale`, 1 without clipping by norm.
    public let gradientScale: Double

    /// A range in memory of the caller.
    public init(
        count: Int, weights: UnsafeMutablePointer<T>, gradient: UnsafePointer<T>,
        slots: SlotPointers<T> = SlotPointers(), gradientScale: Double = 1
    ) {
        precondition(count >= 0, "negative count \(count)")
        self.count = count
        self.weights = weights
        self.gradient = gradient
        self.slots = slots
        self.gradientScale = gradientScale
    }
}

/// The slots of a range in the order of `Optimizer.slotNames`, without an array to allocate.
public struct SlotPointers<T: Scalar> {
    /// The first slot.
    public let first: UnsafeMutablePointer<T>?
    /// The second slot.
    public let second: UnsafeMutablePointer<T>?
    /// The third slot.
    public let third: UnsafeMutablePointer<T>?

    /// As many as the optimizer has.
    public init(
        _ first: UnsafeMutablePointer<T>? = nil, _ second: UnsafeMutablePointer<T>? = nil,
        _ third: UnsafeMutablePointer<T>? = nil
    ) {
        self.first = first
        self.second = second
        self.third = third
    }

    /// The pointers of a part of the range that starts `offset` elements later.
    public func advanced(by offset: Int) -> SlotPointers {
        SlotPointers(first.map { $0 + offset }, second.map { $0 + offset }, third.map { $0 + offset })
    }

    /// A slot that the optimizer named, which the caller therefore has to provide.
    func required(_ slot: UnsafeMutablePointer<T>?, _ name: String) -> UnsafeMutablePointer<T> {
        guard let slot else { preconditionFailure("no memory was given for the slot \(name)") }
        return slot
    }
}
