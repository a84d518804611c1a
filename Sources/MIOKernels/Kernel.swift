import MIOBase
import MIOGraph
import MIOPlan

/// One operation of a plan, bound to its memory: forward and backward on a pass' samples.
///
/// Bound and prepared before the first step; `forward` and `backward` then allocate nothing.
package protocol Kernel: AnyObject {
    /// Makes ready for passes of this many samples. Called for every count that will occur.
    /// - Throws: `KernelError` if the library refuses.
    func prepare(samples: Int) throws

    /// Writes the output.
    func forward(_ pass: Pass)

    /// Gives the inputs and weights their gradients, as `Gradient.flow` says; may overwrite the output's.
    func backward(_ pass: Pass)

    /// Adds what a pass contributes to the sums over the batch that `forward` needs (`Layer.addForwardSums`).
    func addForwardSums(_ pass: Pass, to sums: UnsafeMutablePointer<Double>)

    /// Adds what a pass contributes to the sums over the batch that `backward` needs (`Layer.addBackwardSums`).
    func addBackwardSums(_ pass: Pass, to sums: UnsafeMutablePointer<Double>)

    /// Converts between Keras' shape and order and the way the kernel keeps a weight; its gradient and
    /// optimizer state are kept alike.
    /// - Parameter stored: the weight's range of a slab; its padding, if any, is set to zero.
    func convert(weight: Int, stored: UnsafePointer<Float>, to canonical: UnsafeMutablePointer<Float>)
    func convert(weight: Int, canonical: UnsafePointer<Float>, to stored: UnsafeMutablePointer<Float>)

    /// Whether it can read its inputs elsewhere than where it was bound to.
    var canMoveInputs: Bool { get }

    /// From now on reads an input, in the same layout and at any alignment, from there; it must not write there.
    /// - Precondition: `canMoveInputs`.
    func move(input: Int, to values: UnsafeMutablePointer<Float>)
}

extension Kernel {
    package var canMoveInputs: Bool { false }
    package func move(input: Int, to values: UnsafeMutablePointer<Float>) {
        preconditionFailure("input \(input) cannot be moved")
    }
    package func addForwardSums(_ pass: Pass, to sums: UnsafeMutablePointer<Double>) {
        preconditionFailure("\(Self.self) asks for no sums over the batch")
    }
    package func addBackwardSums(_ pass: Pass, to sums: UnsafeMutablePointer<Double>) {
        preconditionFailure("\(Self.self) asks for no sums over the batch")
    }
}

/// What changes from one pass to the next.
@usableFromInline
package struct Pass: Sendable {
    /// At least one, at most the plan's.
    @usableFromInline package var samples: Int
    @usableFromInline package var context: CallContext
    /// Whether the weights' gradients add to those of earlier passes of the same step.
    @usableFromInline package var accumulates: Bool
    /// Whether layers that need sums over the global batch have them; they do as in evaluation otherwise.
    @usableFromInline package var usesBatchSums: Bool

    @inlinable
    package init(
        samples: Int, context: CallContext, accumulates: Bool = false, usesBatchSums: Bool = false
    ) {
        self.samples = samples
        self.context = context
        self.accumulates = accumulates
        self.usesBatchSums = usesBatchSums
    }
}

/// Where a gradient goes.
package struct Gradient {
    package let pointer: UnsafeMutablePointer<Float>
    /// `.first` overwrites, `.adds` adds to what others put there. Never `.none`: that is no gradient.
    package let flow: Plan.GradientFlow

    package init(pointer: UnsafeMutablePointer<Float>, flow: Plan.GradientFlow) {
        self.pointer = pointer
        self.flow = flow
    }

    /// Whether to add, for a weight's gradient: earlier passes count as well.
    package func adds(in pass: Pass) -> Bool { flow == .adds || pass.accumulates }
}

/// Where the rows of a weight's gradient are listed.
package struct ListedGradient {
    package let rows: RowGradients
    package let flow: Plan.GradientFlow

    /// Whether to add: earlier calls and passes count as well.
    func adds(in pass: Pass) -> Bool { flow == .adds || pass.accumulates }
}

/// What the backward of an operation does for the one that made an input: the gradient it leaves in the input's
/// place has passed the relu that made the input, and its sum over the pixels is the bias' gradient.
package struct PassedRelu {
    /// `nil` if the bias is not trained, or there is none.
    package let biasGradient: Gradient?

    package init(biasGradient: Gradient?) { self.biasGradient = biasGradient }
}

/// An operation's memory. Each tensor holds the pass' samples one after another, in the layouts of the choice.
package struct Bindings {
    /// Of integers, the bytes of their `Int32`s (`integers(ofInput:)`).
    package var inputs: [UnsafeMutablePointer<Float>]
    /// `nil` where nothing needs it.
    package var inputGradients: [Gradient?]
    /// For each input; `nil` where its gradient is the input's own.
    package var passedRelu: [PassedRelu?]
    /// For each input its mask's tensor, if it has one; empty if the operation reads none.
    package var masks: [UnsafeMutablePointer<Float>?]
    package var outputs: [UnsafeMutablePointer<Float>]
    /// The first one.
    package var output: UnsafeMutablePointer<Float> { outputs[0] }
    /// For each output; `nil` if nothing gives it one, as where the operation has no backward.
    package var outputGradients: [UnsafeMutablePointer<Float>?]
    /// Of the first output.
    package var outputGradient: UnsafeMutablePointer<Float>? { outputGradients[0] }
    package var weights: [UnsafeMutablePointer<Float>]
    package var weightGradients: [Gradient?]
    /// For each weight: where the rows of its gradient are listed, in place of the gradient; `nil` otherwise.
    package var rowGradients: [ListedGradient?] = []
    package var scratch: UnsafeMutablePointer<Float>
    package var workspace: UnsafeMutablePointer<Float>
    /// The sums over the global batch, where the operation needs some.
    package var forwardSums: UnsafePointer<Double>?
    package var backwardSums: UnsafePointer<Double>?

    /// An input of whole numbers.
    package func integers(ofInput input: Int) -> UnsafePointer<Int32> {
        UnsafeRawPointer(inputs[input]).assumingMemoryBound(to: Int32.self)
    }
}

/// A call of a layer, as a kernel is made for it.
package struct KernelDescription {
    package let layer: any Layer
    package let streams: RandomStreams
    package let inputShapes: [Shape]
    package let outputShapes: [Shape]
    /// What the elements of the inputs are; empty if all are floats.
    package let inputElements: [TensorElement]
    /// Of the first result.
    package var outputShape: Shape { outputShapes[0] }
    package let choice: KernelChoice
    /// The most samples a pass has.
    package let samples: Int
    /// Whether the output's gradient has passed the activation, and the bias has its gradient.
    package let reluIsPassed: Bool
    package let bindings: Bindings
}

/// A backend that can also run what it chose.
package protocol KernelBackend: Backend {
    /// - Throws: `KernelError` if the library refuses what `choose` promised.
    func makeKernel(_ description: KernelDescription) throws -> any Kernel
    /// Called once on each thread that runs its kernels, before it does.
    func prepareThread()
    /// What measurements of it hold for, processor and libraries; `nil` for a backend that is not measured: it has one way
    /// for everything.
    var measuredOn: String? { get }
    /// Whether there is something to measure before a plan for the graph is made.
    func isTuned(_ graph: Graph) -> Bool
    /// What was measured.
    var tuning: Tuning { get }
    /// The same, with what was measured.
    func tuned(by tuning: Tuning) -> any KernelBackend
    /// A tuning for plans of a request: of what is known, and of measurements where there is a choice that nobody has made
    /// yet.
    /// - Returns: the tuning, and whether anything was measured.
    func tuning(for request: PlanRequest, known: Tuning) -> (tuning: Tuning, measured: Bool)
    /// The same, allowed to multiply in such numbers where it can.
    func computing(in precision: Precision) -> any KernelBackend
}

/// Of a backend that is not measured.
extension KernelBackend {
    package func prepareThread() {}
    package var measuredOn: String? { nil }
    package func isTuned(_ graph: Graph) -> Bool { false }
    package var tuning: Tuning { Tuning() }
    package func tuned(by tuning: Tuning) -> any KernelBackend { self }
    package func tuning(for request: PlanRequest, known: Tuning) -> (tuning: Tuning, measured: Bool) {
        (known, false)
    }
    package func computing(in precision: Precision) -> any KernelBackend { self }
}

/// A library that computes refused to.
package struct KernelError: MIOError, Hashable {
    package let operation: String
    package let message: String

    package init(operation: String, message: String) {
        self.operation = operation
        self.message = message
    }

    package var exitCode: ExitCode { .internalError }
    package var description: String { "\(operation): \(message)" }
}

extension Layer {
    /// Its name, for errors and for what a tuning is kept under; its class if the model has named it and not the user.
    var displayName: String { attributes.name ?? Self.className }
}

extension UnsafeMutablePointer<Float> {
    /// The next place behind so many bytes: a kernel's own memory of elements of any type.
    func behind(_ bytes: Int) -> UnsafeMutablePointer<Float> {
        (UnsafeMutableRawPointer(self) + Arena.aligned(bytes: bytes)).assumingMemoryBound(to: Float.self)
    }
}
