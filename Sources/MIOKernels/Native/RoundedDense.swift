import MIOBase
import MIOPlan

/// The products in bfloat16 of a Dense, for one number of samples, bound to its memory.
final class RoundedDense {
    let samples: Int
    /// Of each segment; `nil` where the pass is computed in float32.
    private let forwardSteps: [[Execution]]?
    private let writeSteps: [[Execution]]?
    private let addSteps: [[Execution]]?
    private let dataSteps: [[Execution]]?
    /// Where the plan's scratch, which is for the largest number of samples, does not suffice.
    private let ownScratch: Storage<Float>?

    /// - Parameters:
    ///   - gradient: of the output before the activation.
    ///   - scratchElements: of the plan.
    /// - Throws: `KernelError` if oneDNN refuses.
    init(
        _ name: String, _ products: DenseProducts, samples: Int,
        _ picks: (ConvolutionPass) -> ProductCandidate,
        _ bindings: Bindings, scratchElements: Int, _ engine: OneDNNEngine
    ) throws {
        self.samples = samples
        let passes = products.passes.filter { picks($0) == .bfloat16 }
        guard let needed = products.scratchElements(passes, engine) else {
            throw KernelError(operation: name, message: "oneDNN has no such product of \(samples) samples")
        }
        let own = needed > scratchElements ? Storage<Float>(count: needed) : nil
        ownScratch = own
        let scratch = own?.pointer ?? bindings.scratch
        let (storage, output) = (products.storage, bindings.outputGradient)
        func steps(
            _ pass: ConvolutionPass, adds: (Int) -> Bool, a: (Int) -> UnsafeMutablePointer<Float>?,
            b: (Int) -> UnsafeMutablePointer<Float>?, c: (Int) -> UnsafeMutablePointer<Float>?
        ) throws -> [[Execution]]? {
            guard passes.contains(pass) else { return nil }
            return try storage.segments.indices.map { index in
                // An input without a gradient has no product.
                guard let a = a(index), let b = b(index), let c = c(index),
                    let product = try products.rounded(pass, segment: index, adds: adds(index), name, engine)
                else { return [] }
                return try product.steps(a: a, b: b, c: c, scratch: scratch, engine)
            }
        }
        func kernel(_ slab: UnsafeMutablePointer<Float>?, _ index: Int) -> UnsafeMutablePointer<Float>? {
            slab.map { $0 + storage.segments[index].firstRow * storage.stride }
        }
        forwardSteps = try steps(
            .forward, adds: { $0 > 0 }, a: { bindings.inputs[$0] }, b: { kernel(bindings.weights[0], $0) },
            c: { _ in bindings.output })
        func weights(adds: Bool) throws -> [[Execution]]? {
            try steps(
                .backwardWeights, adds: { _ in adds }, a: { bindings.inputs[$0] }, b: { _ in output },
                c: { kernel(bindings.weightGradients[0]?.pointer, $0) })
        }
        writeSteps = try weights(adds: false)
        addSteps = try weights(adds: true)
        dataSteps = try steps(
            .backwardData, adds: { bindings.inputGradients[$0]?.flow == .adds }, a: { _ in output },
            b: { kernel(bindings.weights[0], $0) }, c: { bindings.inputGradients[$0]?.pointer })
    }

    /// - Returns: whether this pass is computed here; else in float32.
    func forward(_ segment: Int) -> Bool { run(forwardSteps, segment) }
    func backwardWeights(_ segment: Int, adds: Bool) -> Bool { run(adds ? addSteps : writeSteps, segment) }
    func backwardData(_ segment: Int) -> Bool { run(dataSteps, segment) }

    private func run(_ steps: [[Execution]]?, _ segment: Int) -> Bool {
        guard let steps else { return false }
        for index in steps[segment].indices { steps[segment][index].run() }
        return true
    }
}
