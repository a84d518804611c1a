import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// Zeros around an image, or its edges left out, on canonical and on blocked images alike: a copy of each row.
final class BorderKernel: WeightlessKernel {
    private let adds: Bool
    private let bindings: Bindings
    private let planes: Int
    /// Of the smaller image: rows, and elements of one.
    private let (rows, row): (Int, Int)
    /// Of the larger image: elements of a plane, and of a row; and where the smaller one begins in a plane.
    private let (largePlane, largeRow, start): (Int, Int, Int)

    static func choice(_ layer: any BorderLayer, _ request: KernelRequest) -> KernelChoice? {
        guard layer.dataFormat == .channelsLast else { return nil }
        let layout = request.inputLayouts[0]
        return KernelChoice(
            algorithm: "copies of rows", inputLayouts: [layout], outputLayout: layout, weightElements: [],
            weightLayouts: [], backwardReadsInputs: false, backwardReadsOutput: false)
    }

    init(_ layer: any BorderLayer, _ description: KernelDescription) {
        bindings = description.bindings
        adds = type(of: layer).adds
        let (small, large) = layer.placement(description.inputShapes, description.outputShape)
        let (planes, lanes) = description.choice.outputLayout.planes(of: small.channels)
        let before = layer.margins.before
        self.planes = planes
        (rows, row) = (small.height, small.width * lanes)
        (largePlane, largeRow) = (large.height * large.width * lanes, large.width * lanes)
        start = (before.height * large.width + before.width) * lanes
    }

    /// Copies the smaller image into the larger one, with zeros around it.
    private func widen(_ small: UnsafePointer<Float>, to large: UnsafeMutablePointer<Float>, _ pass: Pass) {
        for plane in 0..<pass.samples * planes {
            let target = large + plane * largePlane
            var written = 0
            for index in 0..<rows {
                let place = start + index * largeRow
                (target + written).update(repeating: 0, count: place - written)
                (target + place).update(from: small + (plane * rows + index) * row, count: row)
                written = place + row
            }
            (target + written).update(repeating: 0, count: largePlane - written)
        }
    }

    /// Visits where each row of the smaller image lies in both.
    @inline(__always)
    private func forEachRow(_ pass: Pass, _ body: (_ small: Int, _ large: Int) -> Void) {
        for plane in 0..<pass.samples * planes {
            for index in 0..<rows {
                body((plane * rows + index) * row, plane * largePlane + start + index * largeRow)
            }
        }
    }

    private func narrow(_ large: UnsafePointer<Float>, to small: UnsafeMutablePointer<Float>, _ pass: Pass) {
        forEachRow(pass) { (small + $0).update(from: large + $1, count: row) }
    }

    func forward(_ pass: Pass) {
        if adds {
            widen(bindings.inputs[0], to: bindings.output, pass)
        } else {
            narrow(bindings.inputs[0], to: bindings.output, pass)
        }
    }

    func backward(_ pass: Pass) {
        guard let target = bindings.inputGradients[0], let gradient = bindings.outputGradient else { return }
        switch (adds, target.flow == .adds) {
        case (true, false): narrow(gradient, to: target.pointer, pass)
        case (false, false): widen(gradient, to: target.pointer, pass)
        case (true, true): forEachRow(pass) { mio_add(gradient + $1, target.pointer + $0, Int64(row)) }
        case (false, true): forEachRow(pass) { mio_add(gradient + $0, target.pointer + $1, Int64(row)) }
        }
    }
}
