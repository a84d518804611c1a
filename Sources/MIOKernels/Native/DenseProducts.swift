import MIOBase
import MIOGraph
import MIOPlan

/// In which numbers a Dense multiplies.
package enum ProductCandidate: String, CaseIterable, Hashable, Sendable {
    case float32
    /// Of factors rounded to bfloat16 and sums of 32 bits.
    case bfloat16

    /// The beginning of what measurements are kept under.
    static let prefix = "products of "
}

/// The matrix products of a Dense of large weights, for passes of a number of rows: what there is to compute, before any
/// memory.
struct DenseProducts {
    let storage: DenseStorage
    /// Samples, times the positions of each.
    let rows: Int
    let trainsWeights: Bool
    /// For each input.
    let needsInputGradients: [Bool]

    /// `nil` where mio's own loops multiply.
    init?(_ storage: DenseStorage, rows: Int, trainsWeights: Bool, needsInputGradients: [Bool]) {
        guard storage.method == .library else { return nil }
        self.storage = storage
        self.rows = rows
        self.trainsWeights = trainsWeights
        self.needsInputGradients = needsInputGradients
    }

    /// Of a plan's operation; `nil` for others than a Dense of large weights.
    init?(_ operation: Plan.Operation, in plan: Plan) {
        guard case .layer(_, _, let choice) = operation.work,
            [.dense, .segmentedDense].contains(choice.kernel)
        else { return nil }
        let units = plan.tensors[operation.output].shape.last
        self.init(
            DenseStorage(
                units: units, inputShapes: operation.inputs.map { plan.tensors[$0].shape },
                inputLayouts: choice.inputLayouts, sharesWeights: choice.weightLayouts[0] == "shared"),
            rows: plan.samples * plan.tensors[operation.output].shape.count / units,
            trainsWeights: operation.weightGradients[0] != .none,
            needsInputGradients: operation.inputGradients.map { $0 != .none })
    }

    /// Those that there are.
    var passes: [ConvolutionPass] {
        ConvolutionPass.needed(
            trainsWeights: trainsWeights, needsInputGradient: needsInputGradients.contains(true))
    }

    /// The numbers that make sense here.
    func candidates(_ engine: OneDNNEngine, _ precision: Precision) -> [ProductCandidate] {
        precision == .bfloat16 && engine.hasBFloat16 ? [.float32, .bfloat16] : [.float32]
    }

    /// What a measurement is kept under.
    func key(threads: Int) -> String {
        let widths = storage.segments.map { "\($0.rows)" }.joined(separator: " + ")
        return ProductCandidate.prefix + "\(rows) rows, \(widths) inputs, \(storage.units) units, "
            + "stride \(storage.stride), \(threads) threads"
    }

    /// One of a pass' products in bfloat16.
    /// - Parameter adds: whether the result is added to what is there.
    /// - Returns: `nil` if oneDNN has no code for it.
    func rounded(
        _ pass: ConvolutionPass, segment index: Int, adds: Bool, _ name: String, _ engine: OneDNNEngine
    ) throws(KernelError) -> RoundedProduct? {
        let width = storage.segments[index].rows
        let (units, kernel) = (storage.units, storage.stride)
        return switch pass {
        case .forward:
            try RoundedProduct(
                name, rows, units, width, a: .init(stride: width), b: .init(stride: kernel),
                c: .init(stride: units), adds: adds, engine)
        case .backwardWeights:
            try RoundedProduct(
                name, width, units, rows, a: .init(stride: width, isTransposed: true),
                b: .init(stride: units), c: .init(stride: kernel), adds: adds, engine)
        case .backwardData:
            try RoundedProduct(
                name, rows, width, units, a: .init(stride: units),
                b: .init(stride: kernel, isTransposed: true), c: .init(stride: width), adds: adds, engine)
        }
    }

    /// Scratch for any pass in bfloat16, in 32-bit elements; `nil` if oneDNN has no code for one of them.
    func scratchElements(_ passes: [ConvolutionPass], _ engine: OneDNNEngine) -> Int? {
        var most = 0
        for pass in passes {
            for index in storage.segments.indices {
                for adds in [false, true] {
                    guard
                        case .some(.some(let product)) = try? rounded(
                            pass, segment: index, adds: adds, "Dense", engine)
                    else { return nil }
                    most = max(most, product.scratchElements)
                }
            }
        }
        return most
    }

    /// A pass' products on memory of its own, to be timed.
    func run(_ candidate: ProductCandidate, _ pass: ConvolutionPass, _ engine: OneDNNEngine) -> (() -> Void)?
    {
        func filled(_ count: Int) -> Storage<Float> {
            let storage = Storage<Float>(count: max(count, 1))
            storage.fill(0.5)
            return storage
        }
        let inputs = storage.segments.map { filled(rows * $0.rows) }
        let (kernel, output) = (filled(storage.kernelElements), filled(rows * storage.units))
        guard candidate == .bfloat16 else {
            return {
                for index in storage.segments.indices {
                    let (segment, input) = (storage.segments[index], inputs[index].pointer)
                    let width = segment.rows
                    let part = kernel.pointer + segment.firstRow * storage.stride
                    let gradient = MatrixProduct.Factor(pointer: output.pointer, stride: storage.units)
                    switch pass {
                    case .forward:
                        MatrixProduct.best(
                            rows, storage.units, width, .init(pointer: input, stride: width),
                            .init(pointer: part, stride: storage.stride), adds: index > 0,
                            into: output.pointer, stride: storage.units)
                    case .backwardWeights:
                        MatrixProduct.best(
                            width, storage.units, rows,
                            .init(pointer: input, stride: width, transposed: true), gradient, adds: false,
                            into: part, stride: storage.stride)
                    case .backwardData:
                        MatrixProduct.best(
                            rows, width, storage.units, gradient,
                            .init(pointer: part, stride: storage.stride, transposed: true), adds: false,
                            into: input, stride: width)
                    }
                }
            }
        }
        guard let elements = scratchElements([pass], engine) else { return nil }
        let scratch = filled(elements)
        var steps: [Execution] = []
        for index in storage.segments.indices {
            let part = kernel.pointer + storage.segments[index].firstRow * storage.stride
            let input = inputs[index].pointer
            guard
                case .some(.some(let product)) = try? rounded(
                    pass, segment: index, adds: pass == .forward && index > 0, "tuning", engine),
                let added = try? product.steps(
                    a: pass == .backwardData ? output.pointer : input,
                    b: pass == .backwardWeights ? output.pointer : part,
                    c: pass == .forward ? output.pointer : pass == .backwardWeights ? part : input,
                    scratch: scratch.pointer, engine)
            else { return nil }
            steps += added
        }
        return {
            withExtendedLifetime((scratch, inputs, kernel, output)) { for step in steps { step.run() } }
        }
    }
}
