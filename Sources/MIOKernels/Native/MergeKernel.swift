import CDenseLoops
import MIOBase
import MIOGraph
import MIOPlan

/// Tensors that meet element by element, in vectors, wherever their channels are.
final class MergeKernel: WeightlessKernel {
    private let merge: Merge
    private let bindings: Bindings
    private let axes: MergeAxes
    private let inputElements: [Int]
    private let elements: Int
    /// Of the last axis of each input, whose positions masks are of.
    private let widths: [Int]
    private let isMasked: Bool
    private let mostSamples: Int

    static func choice(_ merge: Merge, _ request: KernelRequest) -> KernelChoice? {
        guard request.outputShape.count > 0, request.inputShapes.count > 0 else { return nil }
        let heeds = request.isMasked && Set(request.inputShapes.map(\.rank)).count == 1
        // In the elements that pad blocks, 0 would be divided by 0.
        let layout = heeds || merge == .quotient ? .canonical : layout(request)
        let shapes = request.inputShapes.map { Shape([layout.elements(of: $0)]) }
        guard let axes = axes(request.inputShapes, request.outputShape, layout) else { return nil }
        let isWhole = request.inputShapes.indices.allSatisfy { axes.isWhole($0) }
        let output = layout.elements(of: request.outputShape)
        // For more than two inputs one result of them; for masked ones all of them as they count, and a mask.
        var scratch =
            request.inputShapes.count > 2 && [.product, .maximum, .minimum].contains(merge) ? output : 0
        if heeds { scratch += shapes.reduce(output) { $0 + $1.count } }
        let readsInputs = [.product, .maximum, .minimum, .quotient].contains(merge)
        return KernelChoice(
            algorithm: isWhole ? "vector loop" : "vector loop, repeating",
            inputLayouts: request.inputShapes.map { _ in layout }, outputLayout: layout, weightElements: [],
            weightLayouts: [], scratchElements: scratch * request.samples, backwardReadsInputs: readsInputs,
            backwardReadsOutput: request.inputShapes.count > 2 && [.maximum, .minimum].contains(merge))
    }

    /// In blocks, if some are: what follows likely computes them. There is no way but by the canonical order from one kind of
    /// blocks to another.
    private static func layout(_ request: KernelRequest) -> Layout {
        let blocked = Set(request.inputLayouts.filter { $0 != .canonical })
        guard blocked.count == 1, let layout = blocked.first else { return .canonical }
        let output = request.outputShape
        switch layout {
        case .channelBlocked:
            // Whole images, and one number for each channel of them.
            let fits = request.inputShapes.allSatisfy {
                $0 == output || $0.dimensions == [1, 1, output.last]
            }
            return output.rank == 3 && fits ? layout : .canonical
        case .flattenedBlocked: return request.inputShapes.allSatisfy { $0 == output } ? layout : .canonical
        case .canonical: return .canonical
        }
    }

    static func axes(_ inputs: [Shape], _ output: Shape, _ layout: Layout) -> MergeAxes? {
        guard layout != .canonical else { return MergeAxes(inputs, to: output) }
        let elements = layout.elements(of: output)
        guard case .channelBlocked(let block) = layout, inputs.contains(where: { $0 != output }) else {
            return MergeAxes(inputs.map { _ in [elements] }, to: [elements])
        }
        let pixels = output[0] * output[1]
        let sizes = [elements / pixels / block, pixels, block]
        let broadcast = Broadcast(
            sizes: sizes, strides: inputs.map { $0 == output ? [pixels * block, block, 1] : [block, 0, 1] },
            isWhole: inputs.map { $0 == output })
        return MergeAxes(broadcast, counts: inputs.map { layout.elements(of: $0) })
    }

    init(_ merge: Merge, _ description: KernelDescription) {
        self.merge = merge
        bindings = description.bindings
        let layout = description.choice.outputLayout
        guard let axes = Self.axes(description.inputShapes, description.outputShape, layout) else {
            preconditionFailure("more axes than were chosen")
        }
        self.axes = axes
        inputElements = description.inputShapes.map { layout.elements(of: $0) }
        elements = layout.elements(of: description.outputShape)
        widths = description.inputShapes.map(\.last)
        isMasked =
            bindings.masks.contains { $0 != nil } && Set(description.inputShapes.map(\.rank)).count == 1
        mostSamples = description.samples
    }

    private var count: Int { bindings.inputs.count }
    private var isLargest: Bool { merge == .maximum }

    private var code: mio_merge {
        switch merge {
        case .sum, .mean: mio_merge_sum
        case .difference: mio_merge_difference
        case .product: mio_merge_product
        case .maximum: mio_merge_maximum
        case .minimum: mio_merge_minimum
        case .quotient: mio_merge_quotient
        }
    }

    private func run(
        _ merge: mio_merge, _ pass: Pass, _ a: UnsafePointer<Float>, _ first: Int?, _ b: UnsafePointer<Float>,
        _ second: Int?, scale: Float = 1, to target: UnsafeMutablePointer<Float>
    ) {
        var loops = axes.loops(samples: pass.samples, a: first, b: second)
        mio_merge_tensors(merge, &loops, a, b, scale, target)
    }

    // MARK: Masks

    /// Behind the result of some inputs lie the inputs as they count.
    private func counting(_ input: Int) -> UnsafeMutablePointer<Float> {
        guard isMasked else { return bindings.inputs[input] }
        var place = bindings.scratch
        if count > 2 { place += mostSamples * elements }
        for earlier in 0..<input { place += mostSamples * inputElements[earlier] }
        return place
    }

    /// Behind those, a position of the first input after the other: whether any input's counts.
    private var anyCounts: UnsafeMutablePointer<Float> { counting(count) }

    /// Puts what changes nothing in the place of what does not count.
    private func prepareCounting(_ pass: Pass) {
        guard isMasked else { return }
        let isAllMasked = bindings.masks.allSatisfy { $0 != nil }
        let positions = pass.samples * inputElements[0] / widths[0]
        if isAllMasked {
            for position in 0..<positions {
                anyCounts[position] = bindings.masks.contains { $0![position] != 0 } ? 1 : 0
            }
        }
        let neutral: Float = merge == .product ? 1 : isLargest ? -.infinity : .infinity
        for input in 0..<count {
            let (target, width) = (counting(input), widths[input])
            target.update(from: bindings.inputs[input], count: pass.samples * inputElements[input])
            guard let mask = bindings.masks[input] else { continue }
            for position in 0..<pass.samples * inputElements[input] / width where mask[position] == 0 {
                // Where nothing counts, the first input's is the largest and the smallest.
                if input == 0, merge != .product, isAllMasked, anyCounts[position] == 0 { continue }
                (target + position * width).update(repeating: neutral, count: width)
            }
        }
    }

    // MARK: Passes

    func forward(_ pass: Pass) {
        prepareCounting(pass)
        let y = bindings.output
        guard count > 1 else { return run(mio_merge_first, pass, counting(0), 0, counting(0), 0, to: y) }
        let scale = 1 / Float(count)
        func code(_ input: Int) -> mio_merge {
            merge == .mean && input == count - 1 ? mio_merge_scaled_sum : self.code
        }
        run(code(1), pass, counting(0), 0, counting(1), 1, scale: scale, to: y)
        for input in 2..<max(count, 2) {
            run(code(input), pass, y, nil, counting(input), input, scale: scale, to: y)
        }
        guard isMasked, merge == .product, bindings.masks.allSatisfy({ $0 != nil }) else { return }
        let width = elements * pass.samples / (pass.samples * inputElements[0] / widths[0])
        for position in 0..<pass.samples * inputElements[0] / widths[0] where anyCounts[position] == 0 {
            (y + position * width).update(repeating: 0, count: width)
        }
    }

    func backward(_ pass: Pass) {
        guard let gradient = bindings.outputGradient else { return }
        prepareCounting(pass)
        switch merge {
        case .sum, .difference, .mean:
            for input in 0..<count {
                let scale: Float =
                    merge == .mean ? 1 / Float(count) : merge == .difference && input == 1 ? -1 : 1
                add(pass, mio_gradient_scaled, gradient, gradient, nil, gradient, nil, scale, to: input)
            }
        case .product: addProducts(pass, gradient)
        case .maximum, .minimum: addWinners(pass, gradient)
        case .quotient:
            let (a, b) = (bindings.inputs[0], bindings.inputs[1])
            add(pass, mio_gradient_quotient, gradient, b, 1, a, 0, to: 0)
            add(pass, mio_gradient_divisor, gradient, a, 0, b, 1, to: 1)
        }
    }

    private func add(
        _ pass: Pass, _ kind: mio_merge_gradient, _ g: UnsafePointer<Float>, _ p: UnsafePointer<Float>,
        _ first: Int?, _ q: UnsafePointer<Float>, _ second: Int?, _ scale: Float = 1, to input: Int
    ) {
        guard let target = bindings.inputGradients[input] else { return }
        var adds = target.flow == .adds
        if !adds, !axes.isWhole(input) {
            target.pointer.update(repeating: 0, count: pass.samples * inputElements[input])
            adds = true
        }
        var loops = axes.loops(samples: pass.samples, a: first, b: second, c: input)
        mio_merge_backward(kind, &loops, g, p, q, scale, target.pointer, adds)
    }

    private func addProducts(_ pass: Pass, _ gradient: UnsafeMutablePointer<Float>) {
        for input in 0..<count where bindings.inputGradients[input] != nil {
            guard count > 1 else {
                add(pass, mio_gradient_scaled, gradient, gradient, nil, gradient, nil, to: input)
                continue
            }
            // The product of the others.
            let first = input == 0 ? 1 : 0
            var (others, place): (UnsafePointer<Float>, Int?) = (UnsafePointer(counting(first)), first)
            for other in first + 1..<max(count, first + 1) where other != input {
                run(mio_merge_product, pass, others, place, counting(other), other, to: bindings.scratch)
                (others, place) = (UnsafePointer(bindings.scratch), nil)
            }
            guard isMasked, let mask = bindings.masks[input] else {
                add(pass, mio_gradient_product, gradient, others, place, gradient, nil, to: input)
                continue
            }
            addMasked(pass, gradient, others, place, mask, to: input)
        }
    }

    /// The gradient of an input whose elements count where its mask says so.
    private func addMasked(
        _ pass: Pass, _ gradient: UnsafePointer<Float>, _ others: UnsafePointer<Float>, _ place: Int?,
        _ mask: UnsafeMutablePointer<Float>, to input: Int
    ) {
        // The input as it counts is needed no more: in its place the mask, for each element.
        let wide = counting(input)
        for position in 0..<pass.samples * inputElements[input] / widths[input] {
            (wide + position * widths[input]).update(repeating: mask[position], count: widths[input])
        }
        add(pass, mio_gradient_masked_product, gradient, others, place, wide, input, to: input)
        let neutral = bindings.inputs[input]
        for position in 0..<pass.samples * inputElements[input] / widths[input] {
            let target = wide + position * widths[input]
            if mask[position] == 0 {
                target.update(repeating: 1, count: widths[input])
            } else {
                target.update(from: neutral + position * widths[input], count: widths[input])
            }
        }
    }

    private func addWinners(_ pass: Pass, _ gradient: UnsafeMutablePointer<Float>) {
        switch count {
        case 1: add(pass, mio_gradient_scaled, gradient, gradient, nil, gradient, nil, to: 0)
        case 2:
            let (p, q) = (counting(0), counting(1))
            add(
                pass, isLargest ? mio_gradient_where_largest : mio_gradient_where_smallest, gradient, p, 0, q,
                1,
                to: 0)
            add(
                pass, isLargest ? mio_gradient_where_not_largest : mio_gradient_where_not_smallest, gradient,
                p, 0,
                q, 1, to: 1)
        default:
            // Who has the result takes the gradient, and leaves none for those behind it.
            let (y, rest) = (bindings.output, bindings.scratch)
            rest.update(from: gradient, count: pass.samples * elements)
            for input in 0..<count {
                add(pass, mio_gradient_where_equal, rest, counting(input), input, y, nil, to: input)
                var loops = axes.loops(samples: pass.samples, a: input, b: nil)
                mio_merge_backward(
                    mio_gradient_where_not_equal, &loops, rest, counting(input), y, 1, rest, false)
            }
        }
    }
}
