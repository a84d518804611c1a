import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// Canonical tensors side by side along an axis, a new one or one that they have: copies of what lies together.
final class JoiningKernel: WeightlessKernel {
    private let bindings: Bindings
    /// Elements of each input that lie together in the result, and of all of them.
    private let runs: [Int]
    private let allRuns: Int
    /// How often they follow each other in a sample.
    private let blocks: Int

    static func choice(_ request: KernelRequest) -> KernelChoice? {
        guard request.outputShape.count > 0 else { return nil }
        return KernelChoice(
            algorithm: "copies", inputLayouts: request.inputShapes.map { _ in .canonical },
            weightElements: [],
            weightLayouts: [], backwardReadsInputs: false, backwardReadsOutput: false)
    }

    /// - Parameter runs: of each input.
    init(_ runs: [Int], _ description: KernelDescription) {
        bindings = description.bindings
        self.runs = runs
        allRuns = runs.reduce(0, +)
        blocks = description.outputShape.count / allRuns
    }

    convenience init(_ layer: Concatenate, _ description: KernelDescription) {
        guard let axis = layer.sampleAxis(rank: description.outputShape.rank) else {
            preconditionFailure("the graph checks axes")
        }
        self.init(description.inputShapes.map { $0.dimensions[axis...].reduce(1, *) }, description)
    }

    func forward(_ pass: Pass) {
        var start = 0
        for input in 0..<runs.count {
            let (run, x) = (runs[input], bindings.inputs[input])
            for block in 0..<pass.samples * blocks {
                (bindings.output + block * allRuns + start).update(from: x + block * run, count: run)
            }
            start += run
        }
    }

    func backward(_ pass: Pass) {
        guard let gradient = bindings.outputGradient else { return }
        var start = 0
        for input in 0..<runs.count {
            let run = runs[input]
            defer { start += run }
            guard let target = bindings.inputGradients[input] else { continue }
            for block in 0..<pass.samples * blocks {
                let (source, place) = (gradient + block * allRuns + start, target.pointer + block * run)
                if target.flow == .adds {
                    mio_add(source, place, Int64(run))
                } else {
                    place.update(from: source, count: run)
                }
            }
        }
    }
}
