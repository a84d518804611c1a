import MIOBase
import MIOGraph
import MIOPlan

/// Products of the matrices of two tensors, one after the other, by the library that is fastest here.
final class MatrixMultiplicationKernel: WeightlessKernel {
    private let bindings: Bindings
    private let (rows, inner, columns): (Int, Int, Int)
    /// Of a sample.
    private let matrices: Int

    static func choice(_ request: KernelRequest) -> KernelChoice? {
        let (rows, inner, columns) = sizes(request.inputShapes)
        guard request.outputShape.count > 0, inner > 0,
            [rows, inner, columns].allSatisfy({ Int32(exactly: $0) != nil })
        else { return nil }
        return KernelChoice(
            algorithm: MatrixProduct.best.rawValue, inputLayouts: [.canonical, .canonical],
            weightElements: [],
            weightLayouts: [], backwardReadsOutput: false)
    }

    private static func sizes(_ shapes: [Shape]) -> (rows: Int, inner: Int, columns: Int) {
        (shapes[0][shapes[0].rank - 2], shapes[0].last, shapes[1].last)
    }

    init(_ description: KernelDescription) {
        bindings = description.bindings
        (rows, inner, columns) = Self.sizes(description.inputShapes)
        matrices = description.outputShape.count / (rows * columns)
    }

    func forward(_ pass: Pass) {
        for matrix in 0..<pass.samples * matrices {
            MatrixProduct.best(
                rows, columns, inner,
                .init(pointer: bindings.inputs[0] + matrix * rows * inner, stride: inner),
                .init(pointer: bindings.inputs[1] + matrix * inner * columns, stride: columns),
                adds: false, into: bindings.output + matrix * rows * columns, stride: columns)
        }
    }

    /// dA = dY · Bᵀ, dB = Aᵀ · dY.
    func backward(_ pass: Pass) {
        guard let gradient = bindings.outputGradient else { return }
        for matrix in 0..<pass.samples * matrices {
            let dy = UnsafePointer(gradient + matrix * rows * columns)
            if let target = bindings.inputGradients[0] {
                MatrixProduct.best(
                    rows, inner, columns, .init(pointer: dy, stride: columns),
                    .init(
                        pointer: bindings.inputs[1] + matrix * inner * columns, stride: columns,
                        transposed: true),
                    adds: target.flow == .adds, into: target.pointer + matrix * rows * inner, stride: inner)
            }
            if let target = bindings.inputGradients[1] {
                MatrixProduct.best(
                    inner, columns, rows,
                    .init(
                        pointer: bindings.inputs[0] + matrix * rows * inner, stride: inner, transposed: true),
                    .init(pointer: dy, stride: columns), adds: target.flow == .adds,
                    into: target.pointer + matrix * inner * columns, stride: columns)
            }
        }
    }
}
