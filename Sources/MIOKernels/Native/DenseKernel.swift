import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// y = f(Σ xᵢ · kernelᵢ + bias), of one input or of several side by side; a flattened blocked image is read where it
/// lies.
///
/// dz = f′ · dy, dBias = Σ dz in one pass; dKernelᵢ = xᵢᵀ · dz, dxᵢ = dz · kernelᵢᵀ.
final class DenseKernel: Kernel {
    private let storage: DenseStorage
    private let activation: mio_activation
    private let useBias: Bool
    /// Changed between passes only: no access is checked.
    @exclusivity(unchecked) private var bindings: Bindings
    /// Rows of one sample: 1 for a vector.
    private let rowsOfSample: Int
    private let units: Int
    /// Where the transposed kernel lies in the scratch, and its stride.
    private let transposedOffset: Int
    private let transposedStride: Int

    /// In which numbers each pass multiplies, where a library does.
    private let products: DenseProducts?
    private let picks: (ConvolutionPass) -> ProductCandidate
    private let engine: OneDNNEngine
    private let name: String
    private let scratchElements: Int
    /// By their count of samples; a handful, none where all is float32.
    @exclusivity(unchecked) private var rounded: [RoundedDense] = []

    static func choice(_ layer: Dense, _ request: KernelRequest, _ backend: NativeBackend) -> KernelChoice? {
        let layouts = request.inputLayouts.map { layout -> Layout in
            if case .flattenedBlocked = layout, !request.sharesWeights { return layout }
            return .canonical
        }
        let storage = DenseStorage(
            units: layer.units, inputShapes: request.inputShapes, inputLayouts: layouts,
            sharesWeights: request.sharesWeights)
        let rows = request.samples * request.outputShape.count / layer.units
        // OpenBLAS counts in 32 bits.
        guard rows > 0, storage.segments.allSatisfy({ $0.rows > 0 }), Int32(exactly: rows) != nil,
            Int32(exactly: storage.rows) != nil, Int32(exactly: layer.units) != nil
        else { return nil }
        let products = DenseProducts(
            storage, rows: rows, trainsWeights: request.trainsWeights,
            needsInputGradients: request.needsInputGradients)
        var algorithm = storage.method == .library ? MatrixProduct.best.rawValue : storage.method.rawValue
        var roundedScratch = 0
        if let products {
            let halves = roundedPasses(products, backend.picks(products))
            if !halves.isEmpty {
                algorithm += ", bfloat16 " + halves.map(\.rawValue).joined(separator: " and ")
                roundedScratch = products.scratchElements(halves, backend.engine) ?? 0
            }
        }
        return KernelChoice(
            algorithm: algorithm,
            inputLayouts: layouts,
            weightElements: [storage.kernelElements] + (layer.useBias ? [storage.biasElements] : []),
            weightLayouts: [request.sharesWeights ? "shared" : storage.method.rawValue]
                + (layer.useBias ? ["canonical"] : []),
            scratchElements: storage.method == .small
                ? rows * storage.stride + layer.units * Self.transposedStride(storage) : roundedScratch,
            backwardReadsInputs: request.trainsWeights, backwardReadsOutput: layer.activation != .linear,
            passesRelu: layouts.map { layout in
                guard case .flattenedBlocked = layout else { return false }
                return storage.method == .fewUnits && request.trainsWeights
            })
    }

    private static func roundedPasses(
        _ products: DenseProducts, _ picks: (ConvolutionPass) -> ProductCandidate
    ) -> [ConvolutionPass] {
        products.passes.filter { picks($0) == .bfloat16 }
    }

    /// A vector may be read across the end of a segment.
    private static func transposedStride(_ storage: DenseStorage) -> Int {
        DenseStorage.padded(storage.rows) + 16
    }

    init(_ layer: Dense, _ description: KernelDescription, _ backend: NativeBackend) {
        storage = DenseStorage(
            units: layer.units, inputShapes: description.inputShapes,
            inputLayouts: description.choice.inputLayouts,
            sharesWeights: description.choice.weightLayouts[0] == "shared")
        activation = layer.activation.code
        useBias = layer.useBias
        bindings = description.bindings
        units = layer.units
        rowsOfSample = description.outputShape.count / layer.units
        transposedOffset = description.samples * rowsOfSample * storage.stride
        transposedStride = Self.transposedStride(storage)
        engine = backend.engine
        name = layer.displayName
        scratchElements = description.choice.scratchElements
        let bindings = description.bindings
        products = DenseProducts(
            storage, rows: description.samples * rowsOfSample,
            trainsWeights: !bindings.weightGradients.isEmpty && bindings.weightGradients[0] != nil,
            needsInputGradients: bindings.inputGradients.map { $0 != nil })
        picks = products.map { backend.picks($0) } ?? { _ in .float32 }
    }

    func prepare(samples: Int) throws {
        guard let products, !Self.roundedPasses(products, picks).isEmpty,
            !rounded.contains(where: { $0.samples == samples }),
            let few = DenseProducts(
                storage, rows: samples * rowsOfSample, trainsWeights: products.trainsWeights,
                needsInputGradients: products.needsInputGradients)
        else { return }
        rounded.append(
            try RoundedDense(
                name, few, samples: samples, picks, bindings, scratchElements: scratchElements, engine))
    }

    private func rounded(_ samples: Int) -> RoundedDense? {
        for dense in rounded where dense.samples == samples { return dense }
        return nil
    }

    // An input that is written to, for a relu, is another operation's output; oneDNN's products are bound to their memory.
    var canMoveInputs: Bool {
        bindings.passedRelu.allSatisfy { $0 == nil }
            && products.map { Self.roundedPasses($0, picks).isEmpty } ?? true
    }

    func move(input: Int, to values: UnsafeMutablePointer<Float>) { bindings.inputs[input] = values }

    func forward(_ pass: Pass) {
        let rows = pass.samples * rowsOfSample
        let (y, kernel) = (bindings.output, bindings.weights[0])
        var bias: UnsafePointer<Float>? = useBias ? UnsafePointer(bindings.weights[1]) : nil
        for index in storage.segments.indices {
            let segment = storage.segments[index]
            let x = bindings.inputs[index]
            switch storage.method {
            case .fewUnits:
                mio_few_units_forward(
                    x, kernel + segment.firstRow, Int64(storage.stride), index == 0 ? bias : nil, index > 0,
                    y,
                    Int64(rows), Int64(segment.rows), Int64(units))
            case .small:
                mio_small_product(
                    Int64(rows), Int64(units), Int64(segment.rows), x, Int64(segment.rows), 1,
                    kernel + segment.firstRow * storage.stride, Int64(storage.stride),
                    index == 0 ? bias : nil, index > 0, y, Int64(units))
            case .library where rounded(pass.samples)?.forward(index) == true: break
            case .library:
                MatrixProduct.best(
                    rows, units, segment.rows, .init(pointer: x, stride: segment.rows),
                    .init(pointer: kernel + segment.firstRow * storage.stride, stride: storage.stride),
                    adds: index > 0, into: y, stride: units)
            }
        }
        if storage.method != .library { bias = nil }
        mio_bias_activation(activation, y, bias, Int64(rows), Int64(units))
    }

    func backward(_ pass: Pass) {
        guard let gradient = bindings.outputGradient else { return }
        let rows = pass.samples * rowsOfSample
        let dBias = useBias ? bindings.weightGradients[1] : nil
        // Rows padded to whole vectors, where they are not.
        let isPadded = storage.method == .small && storage.stride != units
        let dz = isPadded ? bindings.scratch : gradient
        mio_activation_gradient(
            activation, bindings.output, gradient, Int64(rows), Int64(units), dz,
            Int64(isPadded ? storage.stride : units), dBias?.pointer,
            dBias?.adds(in: pass) ?? false)
        if storage.method == .small { transposeKernelIfNeeded() }
        let dKernel = bindings.weightGradients[0]
        let adds = dKernel?.adds(in: pass) ?? false
        for index in storage.segments.indices {
            switch storage.method {
            case .fewUnits: fewUnitsBackward(index, pass, rows, dz, dKernel?.pointer, adds)
            case .small: smallBackward(index, rows, dz, dKernel?.pointer, adds)
            case .library: libraryBackward(index, pass, rows, dz, dKernel?.pointer, adds)
            }
        }
    }

    private func fewUnitsBackward(
        _ index: Int, _ pass: Pass, _ rows: Int, _ dz: UnsafeMutablePointer<Float>,
        _ dKernel: UnsafeMutablePointer<Float>?, _ adds: Bool
    ) {
        let segment = storage.segments[index]
        let dx = bindings.inputGradients[index]
        if let relu = bindings.passedRelu[index], let dKernel,
            case .flattenedBlocked(let image, let block) = segment.layout
        {
            if let dBias = relu.biasGradient, !dBias.adds(in: pass) {
                dBias.pointer.update(repeating: 0, count: image[2])
            }
            return mio_few_units_relu_backward(
                bindings.inputs[index], bindings.weights[0] + segment.firstRow, Int64(storage.stride), dz,
                dKernel + segment.firstRow, adds, Int64(rows), Int64(segment.rows), Int64(units),
                Int64(image[0] * image[1]), Int64(block), relu.biasGradient?.pointer, Int64(image[2]))
        }
        mio_few_units_backward(
            bindings.inputs[index], bindings.weights[0] + segment.firstRow, Int64(storage.stride), dz,
            dKernel.map { $0 + segment.firstRow }, adds, dx?.pointer, dx?.flow == .adds, Int64(rows),
            Int64(segment.rows), Int64(units))
    }

    private func transposeKernelIfNeeded() {
        for index in bindings.inputGradients.indices where bindings.inputGradients[index] != nil {
            mio_transpose(
                bindings.weights[0], Int64(storage.rows), Int64(units), Int64(storage.stride),
                bindings.scratch + transposedOffset, Int64(transposedStride))
            return
        }
    }

    private func smallBackward(
        _ index: Int, _ rows: Int, _ dz: UnsafeMutablePointer<Float>, _ dKernel: UnsafeMutablePointer<Float>?,
        _ adds: Bool
    ) {
        let segment = storage.segments[index]
        let stride = storage.stride
        if let dKernel {
            mio_small_product(
                Int64(segment.rows), Int64(stride), Int64(rows), bindings.inputs[index], 1,
                Int64(segment.rows), dz, Int64(stride), nil, adds, dKernel + segment.firstRow * stride,
                Int64(stride))
        }
        if let dx = bindings.inputGradients[index] {
            mio_small_product(
                Int64(rows), Int64(segment.rows), Int64(units), dz, Int64(stride), 1,
                bindings.scratch + transposedOffset + segment.firstRow, Int64(transposedStride), nil,
                dx.flow == .adds, dx.pointer, Int64(segment.rows))
        }
    }

    private func libraryBackward(
        _ index: Int, _ pass: Pass, _ rows: Int, _ dz: UnsafeMutablePointer<Float>,
        _ dKernel: UnsafeMutablePointer<Float>?, _ adds: Bool
    ) {
        let segment = storage.segments[index]
        let width = segment.rows
        let rounded = rounded(pass.samples)
        let gradient = MatrixProduct.Factor(pointer: dz, stride: units)
        if let dKernel, rounded?.backwardWeights(index, adds: adds) != true {
            MatrixProduct.best(
                width, units, rows,
                .init(pointer: bindings.inputs[index], stride: width, transposed: true), gradient,
                adds: adds, into: dKernel + segment.firstRow * storage.stride, stride: storage.stride)
        }
        if let dx = bindings.inputGradients[index], rounded?.backwardData(index) != true {
            MatrixProduct.best(
                rows, width, units, gradient,
                .init(
                    pointer: bindings.weights[0] + segment.firstRow * storage.stride, stride: storage.stride,
                    transposed: true),
                adds: dx.flow == .adds, into: dx.pointer, stride: width)
        }
    }

    // MARK: Weights

    func convert(weight: Int, stored: UnsafePointer<Float>, to canonical: UnsafeMutablePointer<Float>) {
        guard weight == 0 else { return canonical.update(from: stored, count: units) }
        storage.forEachElement { canonical[$0] = stored[$1] }
    }

    func convert(weight: Int, canonical: UnsafePointer<Float>, to stored: UnsafeMutablePointer<Float>) {
        stored.update(repeating: 0, count: weight == 0 ? storage.kernelElements : storage.biasElements)
        guard weight == 0 else { return stored.update(from: canonical, count: units) }
        storage.forEachElement { stored[$1] = canonical[$0] }
    }
}
