import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// Elements at other places: copied forward, added backward.
final class RearrangingKernel: WeightlessKernel {
    private let bindings: Bindings
    private let inputElements: Int
    private let outputElements: Int
    private let offset: Int
    private var loops: mio_axes
    /// Whether every element of the input is in the result, once.
    private let isComplete: Bool

    static func choice(_ layer: any RearrangingLayer, _ request: KernelRequest) -> KernelChoice? {
        guard request.outputShape.count > 0,
            loops(layer.rearrangement(of: request.inputShapes[0]), request.inputShapes[0]) != nil
        else { return nil }
        return KernelChoice(
            algorithm: "tiled copies", inputLayouts: [.canonical], weightElements: [], weightLayouts: [],
            backwardReadsInputs: false, backwardReadsOutput: false)
    }

    /// - Returns: the input's distances as `a`, the result's as `b`; `nil` if there are more axes than the loops have.
    private static func loops(_ rearrangement: Rearrangement, _ input: Shape) -> mio_axes? {
        let own = Rearrangement.strides(of: Shape(rearrangement.sizes))
        let axes = Broadcast(
            sizes: rearrangement.sizes, strides: [rearrangement.strides, own], isWhole: [true, true])
        guard axes.sizes.count < Int(mio_most_axes) else { return nil }
        var loops = mio_axes()
        loops.count = Int64(axes.sizes.count + 1)
        loops.sizes = mio_axes.row([0] + axes.sizes)
        loops.a = mio_axes.row([input.count] + axes.strides[0])
        loops.b = mio_axes.row([rearrangement.sizes.reduce(1, *)] + axes.strides[1])
        return loops
    }

    init(_ layer: any RearrangingLayer, _ description: KernelDescription) {
        bindings = description.bindings
        let input = description.inputShapes[0]
        let rearrangement = layer.rearrangement(of: input)
        guard let loops = Self.loops(rearrangement, input) else {
            preconditionFailure("more axes than were chosen")
        }
        self.loops = loops
        offset = rearrangement.offset
        inputElements = input.count
        outputElements = description.outputShape.count
        isComplete =
            inputElements == outputElements
            && zip(rearrangement.sizes, rearrangement.strides).allSatisfy { $0 == 1 || $1 != 0 }
    }

    func forward(_ pass: Pass) {
        loops.sizes.0 = Int64(pass.samples)
        mio_move_axes(&loops, bindings.inputs[0] + offset, bindings.output, false)
    }

    func backward(_ pass: Pass) {
        guard let gradient = bindings.outputGradient, let target = bindings.inputGradients[0] else { return }
        var adds = target.flow == .adds
        if !adds, !isComplete {
            target.pointer.update(repeating: 0, count: pass.samples * inputElements)
            adds = true
        }
        loops.sizes.0 = Int64(pass.samples)
        var turned = loops
        swap(&turned.a, &turned.b)
        mio_move_axes(&turned, gradient, target.pointer + offset, adds)
    }
}
