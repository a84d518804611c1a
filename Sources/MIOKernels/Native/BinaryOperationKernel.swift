import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// A function of two tensors, or of a tensor and a constant, in vectors wherever their elements meet.
final class BinaryOperationKernel: WeightlessKernel {
    private let function: BinaryOperation.Function
    private let bindings: Bindings
    private let axes: MergeAxes
    /// The constant's elements; `nil` for two tensors.
    private let constant: Storage<Float>?
    private let constantFirst: Bool
    private let inputElements: [Int]

    static func choice(_ layer: BinaryOperation, _ request: KernelRequest) -> KernelChoice? {
        guard request.outputShape.count > 0, request.inputShapes.allSatisfy({ $0.count > 0 }),
            axes(layer, request.inputShapes, request.outputShape) != nil
        else { return nil }
        let readsInputs =
            switch layer.function {
            case .add, .subtract: false
            case .multiply, .divide: layer.constant == nil || layer.constantFirst && layer.function == .divide
            case .maximum, .minimum, .power, .whereNonzero: true
            }
        return KernelChoice(
            algorithm: "vector loop", inputLayouts: request.inputShapes.map { _ in .canonical },
            weightElements: [], weightLayouts: [], backwardReadsInputs: readsInputs,
            backwardReadsOutput: false)
    }

    /// Of a and b; all samples have a constant in common.
    private static func axes(_ layer: BinaryOperation, _ inputs: [Shape], _ output: Shape) -> MergeAxes? {
        guard layer.constant != nil else {
            return MergeAxes(Broadcast(inputs, to: output), counts: inputs.map(\.count))
        }
        var (shapes, counts) = ([inputs[0], layer.constantShape], [inputs[0].count, 0])
        if layer.constantFirst {
            shapes.reverse()
            counts.reverse()
        }
        return MergeAxes(Broadcast(shapes, to: output), counts: counts)
    }

    init(_ layer: BinaryOperation, _ description: KernelDescription) {
        function = layer.function
        bindings = description.bindings
        guard let axes = Self.axes(layer, description.inputShapes, description.outputShape) else {
            preconditionFailure("more axes than were chosen")
        }
        self.axes = axes
        constantFirst = layer.constantFirst
        constant = layer.constant.map { values in
            let storage = Storage<Float>(count: values.count)
            for (index, value) in values.enumerated() { storage.pointer[index] = Float(value) }
            return storage
        }
        inputElements = description.inputShapes.map(\.count)
    }

    /// a and b.
    private var operands: (a: UnsafePointer<Float>, b: UnsafePointer<Float>) {
        let input = UnsafePointer(bindings.inputs[0])
        guard let constant else { return (input, UnsafePointer(bindings.inputs[1])) }
        let other = UnsafePointer(constant.pointer)
        return constantFirst ? (other, input) : (input, other)
    }

    func forward(_ pass: Pass) {
        var loops = axes.loops(samples: pass.samples, a: 0, b: 1)
        let (a, b) = operands
        let merge: mio_merge
        switch function {
        case .add: merge = mio_merge_sum
        case .subtract: merge = mio_merge_difference
        case .multiply: merge = mio_merge_product
        case .divide: merge = mio_merge_quotient
        case .maximum: merge = mio_merge_maximum
        case .minimum: merge = mio_merge_minimum
        case .whereNonzero: merge = mio_merge_where_nonzero
        case .power: return mio_power(&loops, a, b, bindings.output)
        }
        mio_merge_tensors(merge, &loops, a, b, 1, bindings.output)
    }

    func backward(_ pass: Pass) {
        guard let gradient = bindings.outputGradient else { return }
        for input in inputElements.indices {
            guard let target = bindings.inputGradients[input] else { continue }
            let operand = constant != nil && constantFirst ? 1 : input
            var adds = target.flow == .adds
            if !adds, !axes.isWhole(operand) || function == .power {
                target.pointer.update(repeating: 0, count: pass.samples * inputElements[input])
                adds = true
            }
            addGradient(pass, gradient, ofOperand: operand, to: target.pointer, adds: adds)
        }
    }

    private func addGradient(
        _ pass: Pass, _ g: UnsafePointer<Float>, ofOperand operand: Int,
        to target: UnsafeMutablePointer<Float>, adds: Bool
    ) {
        let (a, b) = operands
        let isFirst = operand == 0
        /// Of the gradient and two operands, each with its place.
        func add(
            _ kind: mio_merge_gradient, _ p: (UnsafePointer<Float>, Int?), _ q: (UnsafePointer<Float>, Int?),
            scale: Float = 1
        ) {
            var loops = axes.loops(samples: pass.samples, a: p.1, b: q.1, c: operand)
            mio_merge_backward(kind, &loops, g, p.0, q.0, scale, target, adds)
        }
        let (first, second, none): ((UnsafePointer<Float>, Int?), (UnsafePointer<Float>, Int?), _) = (
            (a, 0), (b, 1), (g, Int?.none)
        )
        switch function {
        case .add: add(mio_gradient_scaled, none, none)
        case .subtract: add(mio_gradient_scaled, none, none, scale: isFirst ? 1 : -1)
        case .multiply: add(mio_gradient_product, isFirst ? second : first, none)
        case .divide:
            if isFirst {
                add(mio_gradient_quotient, second, none)
            } else {
                add(mio_gradient_divisor, first, second)
            }
        case .maximum:
            add(isFirst ? mio_gradient_where_largest : mio_gradient_where_not_largest, first, second)
        case .minimum:
            add(isFirst ? mio_gradient_where_smallest : mio_gradient_where_not_smallest, first, second)
        case .whereNonzero:
            if !isFirst {
                add(mio_gradient_where_nonzero, first, none)
            } else if !adds {
                target.update(repeating: 0, count: pass.samples * inputElements[0])
            }
        case .power:
            var loops = axes.loops(samples: pass.samples, a: 0, b: 1, c: operand)
            mio_power_gradient(&loops, !isFirst, g, a, b, target)
        }
    }
}
