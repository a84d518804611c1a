import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// Dot products as a matrix product of each sample: rows of the first tensor times rows of the second.
final class DotKernel: WeightlessKernel {
    private let layer: Dot
    private let bindings: Bindings
    private let rows: [Dot.Rows]
    private let inputElements: [Int]
    private let outputElements: Int

    /// One sample's rows of both tensors, as they are multiplied; in backward their gradients too, and the factors.
    static func choice(_ layer: Dot, _ request: KernelRequest) -> KernelChoice? {
        let rows = layer.rows(request.inputShapes)
        guard request.outputShape.count > 0, rows.count == 2, rows[0].width > 0,
            rows.allSatisfy({ $0.width <= Layer32.most && $0.firsts.count <= Layer32.most })
        else { return nil }
        let counts = request.inputShapes.map(\.count)
        return KernelChoice(
            algorithm: "matrix products", inputLayouts: [.canonical, .canonical], weightElements: [],
            weightLayouts: [],
            scratchElements: 2 * (counts[0] + counts[1]) + rows[0].firsts.count + rows[1].firsts.count,
            backwardReadsOutput: false)
    }

    private enum Layer32 { static let most = Int(Int32.max) }

    init(_ layer: Dot, _ description: KernelDescription) {
        self.layer = layer
        bindings = description.bindings
        rows = layer.rows(description.inputShapes)
        inputElements = description.inputShapes.map(\.count)
        outputElements = description.outputShape.count
    }

    /// The rows of both tensors, then the gradients by them.
    private func place(_ index: Int) -> UnsafeMutablePointer<Float> {
        var place = bindings.scratch
        for earlier in 0..<index { place += inputElements[earlier % 2] }
        return place
    }

    private func factors(_ input: Int) -> UnsafeMutablePointer<Float> {
        bindings.scratch + 2 * (inputElements[0] + inputElements[1]) + (input == 0 ? 0 : rows[0].firsts.count)
    }

    /// The rows of a sample, one after the other and of norm 1 if they are to be.
    private func gather(_ input: Int, _ sample: Int) -> UnsafePointer<Float> {
        let (x, own) = (bindings.inputs[input] + sample * inputElements[input], rows[input])
        if own.stride == 1, !layer.normalize { return UnsafePointer(x) }
        let target = place(input)
        let limit = Float(1 / Dot.epsilon)
        for (index, first) in own.firsts.enumerated() {
            let row = target + index * own.width
            var sum: Float = 0
            for i in 0..<own.width {
                row[i] = x[first + i * own.stride]
                sum += row[i] * row[i]
            }
            guard layer.normalize else { continue }
            let factor = min(1 / sum.squareRoot(), limit)
            factors(input)[index] = factor
            for i in 0..<own.width { row[i] *= factor }
        }
        return UnsafePointer(target)
    }

    func forward(_ pass: Pass) {
        let (m, n, k) = (rows[0].firsts.count, rows[1].firsts.count, rows[0].width)
        for sample in 0..<pass.samples {
            let (a, b) = (gather(0, sample), gather(1, sample))
            MatrixProduct.best(
                m, n, k, .init(pointer: a, stride: k), .init(pointer: b, stride: k, transposed: true),
                adds: false,
                into: bindings.output + sample * outputElements, stride: n)
        }
    }

    func backward(_ pass: Pass) {
        guard let gradient = bindings.outputGradient else { return }
        let counts = rows.map(\.firsts.count)
        let k = rows[0].width
        for sample in 0..<pass.samples {
            let (a, b) = (gather(0, sample), gather(1, sample))
            let dy = UnsafePointer(gradient + sample * outputElements)
            for input in 0..<2 {
                guard let target = bindings.inputGradients[input] else { continue }
                let g = place(2 + input)
                MatrixProduct.best(
                    counts[input], k, counts[1 - input],
                    .init(pointer: dy, stride: counts[1], transposed: input == 1),
                    .init(pointer: input == 0 ? b : a, stride: k), adds: false, into: g, stride: k)
                scatter(
                    input, g, input == 0 ? a : b, to: target.pointer + sample * inputElements[input],
                    adds: target.flow == .adds)
            }
        }
    }

    /// From the gradient by the rows to that by the tensor, through their norms: (g − x̂ · (g · x̂)) · factor.
    private func scatter(
        _ input: Int, _ g: UnsafePointer<Float>, _ rows: UnsafePointer<Float>,
        to target: UnsafeMutablePointer<Float>, adds: Bool
    ) {
        let own = self.rows[input]
        let limit = Float(1 / Dot.epsilon)
        for (index, first) in own.firsts.enumerated() {
            let (gradient, row) = (g + index * own.width, rows + index * own.width)
            var (dot, factor): (Float, Float) = (0, 1)
            if layer.normalize {
                factor = factors(input)[index]
                if factor < limit { for i in 0..<own.width { dot += gradient[i] * row[i] } }
            }
            for i in 0..<own.width {
                let value = (gradient[i] - row[i] * dot) * factor
                let place = first + i * own.stride
                target[place] = adds ? target[place] + value : value
            }
        }
    }
}
