import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// Larger images of canonical and of blocked ones alike. To repeat a pixel is what a sum's gradient does, and the other way
/// round.
final class UpSamplingKernel: WeightlessKernel {
    private let bindings: Bindings
    private let planes: Int
    /// Of the smaller image's pixels in the larger one.
    private var window: mio_window
    /// `nil` where pixels are repeated.
    private var interpolation: mio_interpolation?
    private let (rows, columns): ([mio_neighbours], [mio_neighbours])

    static func choice(_ layer: any UpSamplingLayer, _ request: KernelRequest) -> KernelChoice? {
        let shape = request.outputShape
        guard layer.dataFormat == .channelsLast, layer.interpolation.isOfNeighbours, shape.count > 0,
            shape.dimensions.allSatisfy({ Int32(exactly: $0) != nil })
        else { return nil }
        let layout = request.inputLayouts[0]
        return KernelChoice(
            algorithm: "vector loop", inputLayouts: [layout], outputLayout: layout, weightElements: [],
            weightLayouts: [], backwardReadsInputs: false, backwardReadsOutput: false)
    }

    init(_ layer: any UpSamplingLayer, _ description: KernelDescription) {
        bindings = description.bindings
        let small = layer.view(checked: description.inputShapes)
        let large = layer.view(checked: [description.outputShape])
        let (planes, lanes) = description.choice.outputLayout.planes(of: small.channels)
        let factors = layer.factors
        self.planes = planes
        window = mio_window(
            planes: Int64(planes), lanes: Int64(lanes), height: Int64(large.height),
            width: Int64(large.width), output_height: Int64(small.height), output_width: Int64(small.width),
            window_height: Int64(factors.height), window_width: Int64(factors.width),
            stride_height: Int64(factors.height), stride_width: Int64(factors.width), before_height: 0,
            before_width: 0)
        func neighbours(_ count: Int, _ factor: Int) -> [mio_neighbours] {
            (0..<count * factor).map {
                let element = InterpolatedElement($0, of: count, factor: factor)
                return mio_neighbours(
                    lower: Int32(element.lower), upper: Int32(element.upper), share: Float(element.share))
            }
        }
        switch layer.interpolation {
        case .nearest: (rows, columns, interpolation) = ([], [], nil)
        case .bilinear, .bicubic, .lanczos3, .lanczos5:
            precondition(layer.interpolation == .bilinear, "a kernel of two neighbours takes no others")
            rows = neighbours(small.height, factors.height)
            columns = neighbours(small.width, factors.width)
            interpolation = mio_interpolation(
                height: Int64(small.height), width: Int64(small.width), output_height: Int64(large.height),
                output_width: Int64(large.width), lanes: Int64(lanes), rows: nil, columns: nil)
        }
    }

    /// Gives `body` the table of neighbours as C has it.
    private func withTable(_ body: (UnsafePointer<mio_interpolation>) -> Void) {
        guard var table = interpolation else { return }
        rows.withUnsafeBufferPointer { rows in
            columns.withUnsafeBufferPointer { columns in
                table.rows = rows.baseAddress
                table.columns = columns.baseAddress
                body(&table)
            }
        }
    }

    func forward(_ pass: Pass) {
        if interpolation == nil {
            mio_sum_pool_backward(
                &window, bindings.inputs[0], bindings.output, Int64(pass.samples), false, false)
        } else {
            withTable {
                mio_interpolate_forward(
                    $0, Int64(pass.samples * planes), bindings.inputs[0], bindings.output)
            }
        }
    }

    func backward(_ pass: Pass) {
        guard let target = bindings.inputGradients[0], let gradient = bindings.outputGradient else { return }
        let adds = target.flow == .adds
        if interpolation == nil {
            mio_sum_pool_forward(
                &window, gradient, target.pointer, Int64(pass.samples), false, adds)
        } else {
            withTable {
                mio_interpolate_backward(
                    $0, Int64(pass.samples * planes), gradient, target.pointer, adds)
            }
        }
    }
}
