import MIOBase
import MIOConfig

/// How a `MergeLayer` makes one element of several.
public enum Merge: Hashable, Sendable {
    /// Σ x
    case sum
    /// The first less the second.
    case difference
    /// Π x
    case product
    /// Σ x / n
    case mean
    /// The largest; of equal ones the first has the gradient.
    case maximum
    /// The smallest; of equal ones the first has the gradient.
    case minimum
    /// The first divided by the second.
    case quotient
}

/// A layer that joins tensors element by element. Shapes are aligned at their last axes; a tensor with one place on an axis,
/// or without the axis, is repeated along it.
///
/// Masks: an element of the result counts where any input's does, if all have one. Multiply takes 1 for what does not count,
/// and gives 0 where nothing does. Maximum and Minimum leave out what does not count, and give the first input's where nothing
/// does. The others ignore masks, as do all of them if the inputs have different numbers of axes: as Keras.
public protocol MergeLayer: Layer {
    /// What it computes.
    var merge: Merge { get }
}

extension MergeLayer {
    public var config: ConfigDictionary { [:] }

    public func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        if merge == .difference || merge == .quotient, inputs.count != 2 {
            throw ShapeError(expected: "two tensors", received: inputs)
        }
        guard !inputs.isEmpty else { throw ShapeError(expected: "one tensor or more", received: inputs) }
        return try Broadcast.shape(of: inputs)
    }

    public func maskRule(ofResult result: Int) -> MaskRule { .any }

    public var readsMasks: Bool { [.product, .maximum, .minimum].contains(merge) }

    public func check(masks: [Shape?], for inputs: [Shape]) throws(ShapeError) {
        guard Set(inputs.map(\.rank)).count == 1 else { return }
        for (mask, input) in zip(masks, inputs) {
            guard let mask, mask.dimensions != Array(input.dimensions.dropLast()) else { continue }
            throw ShapeError(
                "expected a mask with one axis less than its input \(input), received one of \(mask)")
        }
    }

    /// Whether the values depend on the masks that there are.
    package func heedsMasks(_ inputs: [Shape]) -> Bool {
        readsMasks && Set(inputs.map(\.rank)).count == 1
    }

    public func memory(for inputs: [Shape], output: Shape) -> LayerMemory {
        switch merge {
        case .sum, .difference, .mean: .gradientAlone
        case .product, .maximum, .minimum, .quotient:
            LayerMemory(backwardReadsInputs: true, backwardReadsOutput: false)
        }
    }

    // MARK: The plain implementation

    /// Where an element of an input lies, and whether it counts.
    @inline(__always)
    private func operand<T: Scalar>(
        _ call: ForwardCall<T>, _ broadcast: Broadcast, _ input: Int, _ sample: Int, _ element: Int,
        heeds: Bool
    ) -> (index: Int, counts: Bool) {
        let shape = call.inputShapes[input]
        let index = sample * shape.count + broadcast.place(of: element, in: input)
        guard heeds, let mask = call.masks[input] else { return (index, true) }
        return (index, mask[index / shape.last] != 0)
    }

    /// The input whose element is the result: the first of the largest or smallest that count.
    @inline(__always)
    private func winner<T: Scalar>(
        _ call: ForwardCall<T>, _ broadcast: Broadcast, _ sample: Int, _ element: Int, heeds: Bool
    ) -> (input: Int, index: Int) {
        var best: (input: Int, index: Int)?
        for input in call.inputs.indices {
            let (index, counts) = operand(call, broadcast, input, sample, element, heeds: heeds)
            guard counts else { continue }
            guard let found = best else {
                best = (input, index)
                continue
            }
            let (x, y) = (call.inputs[input][index], call.inputs[found.input][found.index])
            if merge == .maximum ? x > y : x < y || x != x { best = (input, index) }
            if x != x { best = (input, index) }
        }
        return best ?? (0, operand(call, broadcast, 0, sample, element, heeds: false).index)
    }

    public func forward<T: Scalar>(_ call: ForwardCall<T>) {
        let broadcast = Broadcast(call.inputShapes, to: call.outputShape)
        let heeds = heedsMasks(call.inputShapes) && call.masks.contains { $0 != nil }
        let allMasked = heeds && call.masks.allSatisfy { $0 != nil }
        let count = call.outputShape.count
        for sample in 0..<call.samples {
            for element in 0..<count {
                var result: T = 0
                switch merge {
                case .maximum, .minimum:
                    let (input, index) = winner(call, broadcast, sample, element, heeds: heeds)
                    result = call.inputs[input][index]
                case .product:
                    var anyCounts = false
                    result = 1
                    for input in call.inputs.indices {
                        let (index, counts) = operand(call, broadcast, input, sample, element, heeds: heeds)
                        if counts { result *= call.inputs[input][index] }
                        anyCounts = anyCounts || counts
                    }
                    if allMasked, !anyCounts { result = 0 }
                case .quotient:
                    let a = operand(call, broadcast, 0, sample, element, heeds: false).index
                    let b = operand(call, broadcast, 1, sample, element, heeds: false).index
                    result = call.inputs[0][a] / call.inputs[1][b]
                case .sum, .difference, .mean:
                    for input in call.inputs.indices {
                        let x = call.inputs[input][
                            operand(call, broadcast, input, sample, element, heeds: false).index]
                        if merge == .difference, input > 0 { result -= x } else { result += x }
                    }
                    if merge == .mean { result /= T(call.inputs.count) }
                }
                call.output[sample * count + element] = result
            }
        }
    }

    public func backward<T: Scalar>(_ call: BackwardCall<T>) {
        let forward = call.forward
        let broadcast = Broadcast(forward.inputShapes, to: forward.outputShape)
        let heeds = heedsMasks(forward.inputShapes) && forward.masks.contains { $0 != nil }
        let count = forward.outputShape.count
        for sample in 0..<call.samples {
            for element in 0..<count {
                let dy = call.outputGradient[sample * count + element]
                if merge == .maximum || merge == .minimum {
                    let (input, index) = winner(forward, broadcast, sample, element, heeds: heeds)
                    call.inputGradients[input]?[index] += dy
                    continue
                }
                for input in forward.inputs.indices {
                    guard let gradient = call.inputGradients[input] else { continue }
                    let (index, counts) = operand(forward, broadcast, input, sample, element, heeds: heeds)
                    switch merge {
                    case .difference: gradient[index] += input == 0 ? dy : -dy
                    case .mean: gradient[index] += dy / T(forward.inputs.count)
                    case .product where counts:
                        var factor: T = 1
                        for other in forward.inputs.indices where other != input {
                            let (place, counts) = operand(
                                forward, broadcast, other, sample, element, heeds: heeds)
                            if counts { factor *= forward.inputs[other][place] }
                        }
                        gradient[index] += dy * factor
                    case .product: break
                    case .quotient:
                        let other = operand(forward, broadcast, 1 - input, sample, element, heeds: false)
                            .index
                        let (a, b) =
                            input == 0
                            ? (forward.inputs[0][index], forward.inputs[1][other])
                            : (forward.inputs[0][other], forward.inputs[1][index])
                        gradient[index] += input == 0 ? dy / b : -dy * a / (b * b)
                    default: gradient[index] += dy
                    }
                }
            }
        }
    }
}
