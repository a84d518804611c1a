import CDenseLoops
import MIOBase
import MIOConfig

/// The arrays of one evaluation of a loss: a rank's micro-batch, or a part of it.
///
/// The memory stays the caller's. Outputs overlap neither each other nor the inputs.
public struct LossCall<T: Scalar> {
    /// Samples × the product of all axes of the prediction but the last.
    public let positions: Int
    /// The prediction's last axis; 1 for a scalar prediction.
    public let width: Int
    /// `[positions × width]`: what the output predicts, or its logits for a loss that is `fromLogits`.
    public let predictions: UnsafePointer<T>
    /// `[positions × width]`, or `[positions]` for class indices, all of them valid where labelled
    /// (`TargetLabelling.firstFault` says so).
    public let targets: UnsafePointer<Float>
    /// `[positions]`: a `LabelMark` each; `part` only for losses that are `isElementwise`.
    public let labelled: UnsafePointer<UInt8>
    /// The target that stands for a missing element, as NaN always does; NaN for none. Only looked for in positions that
    /// are labelled in part.
    public let missing: Float
    /// `[positions]`: what multiplies each position's gradient: output weight × sample weight ÷ the output's
    /// global denominator. Read only if `gradient` is asked for, and by `Loss.addSums`.
    public let scales: UnsafePointer<T>
    /// Out, `[positions]`: each position's loss without weight; 0 where unlabelled.
    public let losses: UnsafeMutablePointer<T>
    /// Out, `[positions × width]`: scale × ∂loss/∂prediction (∂logit for a loss that is `fromLogits`).
    /// Overwritten; exactly 0 where unlabelled.
    public let gradient: UnsafeMutablePointer<T>?
    /// Out, `[positions × width]`, written only by losses that are `fromLogits`: the softmax or sigmoid of
    /// the logits, of unlabelled positions too.
    public let probabilities: UnsafeMutablePointer<T>?
    /// The sums of a loss that has `LossSums`: `Loss.addSums` adds to them, `Loss.forward` reads them. `nil` for other losses.
    public let sums: UnsafeMutablePointer<Double>?

    /// A call on memory of the caller.
    public init(
        positions: Int, width: Int, predictions: UnsafePointer<T>, targets: UnsafePointer<Float>,
        labelled: UnsafePointer<UInt8>, missing: Float = .nan, scales: UnsafePointer<T>,
        losses: UnsafeMutablePointer<T>, gradient: UnsafeMutablePointer<T>? = nil,
        probabilities: UnsafeMutablePointer<T>? = nil, sums: UnsafeMutablePointer<Double>? = nil
    ) {
        self.positions = positions
        self.width = width
        self.predictions = predictions
        self.targets = targets
        self.labelled = labelled
        self.missing = missing
        self.scales = scales
        self.losses = losses
        self.gradient = gradient
        self.probabilities = probabilities
        self.sums = sums
    }

    /// Writes what an unlabelled position contributes: nothing. Its predictions are not read, so that
    /// whatever they are cannot leak in through 0 × infinity.
    @inline(__always)
    func skip(_ position: Int) {
        losses[position] = 0
        if let gradient { (gradient + position * width).update(repeating: 0, count: width) }
    }

    /// The loss and gradient of every position as the mean of a function over its labelled elements.
    /// - Parameter element: (prediction, target) to (loss, its derivative by the prediction).
    @inline(__always)
    func meanOverElements(_ element: (T, T) -> (loss: T, derivative: T)) {
        meanOverPlacedElements { _, prediction, target in element(prediction, target) }
    }

    /// The same of a function that also depends on an element's place in its row.
    /// - Parameter element: (place from 0, prediction, target) to (loss, its derivative by the prediction).
    @inline(__always)
    func meanOverPlacedElements(_ element: (Int, T, T) -> (loss: T, derivative: T)) {
        let count = T(width)
        for position in 0..<positions {
            guard labelled[position] != 0 else {
                skip(position)
                continue
            }
            guard labelled[position] != LabelMark.part else {
                meanOverLabelledElements(position, element)
                continue
            }
            let offset = position * width
            let sum: T
            if let gradient {
                let factor = scales[position] / count
                sum = sumOfRow(offset) { index in
                    let (loss, derivative) = element(
                        index - offset, predictions[index], T(targets[index]))
                    gradient[index] = factor * derivative
                    return loss
                }
            } else {
                sum = sumOfRow(offset) { element($0 - offset, predictions[$0], T(targets[$0])).loss }
            }
            losses[position] = sum / count
        }
    }

    /// The same of one position where elements are missing: of those nothing is read but the target, and their
    /// gradient is 0.
    private func meanOverLabelledElements(
        _ position: Int, _ element: (Int, T, T) -> (loss: T, derivative: T)
    ) {
        let offset = position * width
        var labelledElements = 0
        for index in offset..<offset + width where isLabelled(index) { labelledElements += 1 }
        let count = T(labelledElements)
        let factor = gradient == nil ? 0 : scales[position] / count
        let sum = sumOfRow(offset) { index in
            guard isLabelled(index) else {
                gradient?[index] = 0
                return 0
            }
            let (loss, derivative) = element(index - offset, predictions[index], T(targets[index]))
            gradient?[index] = factor * derivative
            return loss
        }
        losses[position] = sum / count
    }

    /// The loss and gradient of every labelled position by a function of its row.
    /// - Parameter row: gets the offset of the row's first element, and where its gradient goes, which is to be multiplied
    ///   by the scale; returns the loss.
    @inline(__always)
    func forEachRow(_ row: (_ offset: Int, _ gradient: UnsafeMutablePointer<T>?, _ scale: T) -> T) {
        for position in 0..<positions {
            guard labelled[position] != 0 else {
                skip(position)
                continue
            }
            let offset = position * width
            losses[position] = row(
                offset, gradient.map { $0 + offset }, gradient == nil ? 0 : scales[position])
        }
    }

    @inline(__always)
    func isLabelled(_ index: Int) -> Bool { isLabel(targets[index], missing: missing) }

    /// The sum of a value for each element of a row, in order.
    ///
    /// One by one, 32-bit floats lose as many bits as the row's length has: long rows are added up in parts of 64.
    /// - Parameter offset: of the row's first element, whose index `value` is called with.
    @inline(__always)
    func sumOfRow(_ offset: Int, _ value: (Int) -> T) -> T {
        let most = 64
        var start = offset
        var whole = 0.0
        while true {
            let end = min(start + most, offset + width)
            var part: T = 0
            for index in start..<end { part += value(index) }
            if width <= most { return part }
            whole += Double(part)
            if end == offset + width { return T(whole) }
            start = end
        }
    }
}

extension LossCall<Float> {
    /// The same arrays for the loops that make 32-bit losses in vectors.
    /// - Parameter loop: one of `CDenseLoops`.
    @inline(__always)
    func inVectors(_ loop: (UnsafePointer<mio_loss_call>) -> Void) {
        var call = mio_loss_call(
            positions: Int64(positions), width: Int64(width), predictions: predictions, targets: targets,
            labelled: labelled, missing: missing, scales: scales, losses: losses, gradient: gradient,
            probabilities: probabilities)
        loop(&call)
    }

    /// The mean over each row of what a loss makes of its elements.
    /// - Parameters:
    ///   - delta: of Huber's loss.
    ///   - smoothing: of the targets of binary crossentropies.
    ///   - factors: a number for each place of a row: quantiles, weights of positives.
    ///   - sharesTarget: whether one target a position stands for its whole row.
    ///   - focus: of the focal crossentropy.
    func elementwise(
        _ kind: mio_elementwise_kind, delta: Float = 0,
        smoothing: mio_smoothing = mio_smoothing(keep: 1, shift: 0), factors: PlaceFactors? = nil,
        sharesTarget: Bool = false, focus: mio_focus = mio_focus()
    ) {
        var loss = mio_elementwise_loss(
            kind: kind, delta: delta, smoothing: smoothing, factor: 0, factors: nil,
            shares_target: sharesTarget, focus: focus)
        guard let factors else { return inVectors { mio_elementwise_losses(&loss, $0) } }
        factors.withVectors { factor, all in
            (loss.factor, loss.factors) = (factor, all)
            inVectors { mio_elementwise_losses(&loss, $0) }
        }
    }
}

/// A number for every place of a row, for the plain loops and for those in vectors.
struct PlaceFactors: Hashable, Sendable {
    /// As given: one for all places, or one for each.
    let values: [Double]
    /// Those of all places, and as many more as a vector has.
    private let padded: [Float]

    /// - Precondition: there is at least one.
    init(_ values: [Double]) {
        precondition(!values.isEmpty, "no number")
        self.values = values
        padded = (values + [Double](repeating: 0, count: 16)).map { Float($0) }
    }

    /// The number of a place.
    @inline(__always)
    subscript(place: Int) -> Double { values.count == 1 ? values[0] : values[place] }

    /// Calls a loop with the number of the first place, and those of all places unless it is the same for all.
    @inline(__always)
    func withVectors(_ body: (Float, UnsafePointer<Float>?) -> Void) {
        padded.withUnsafeBufferPointer { body($0[0], values.count == 1 ? nil : $0.baseAddress) }
    }

    /// A number, or a list of them.
    var config: ConfigValue {
        values.count == 1 ? .real(values[0]) : .list(values.map(ConfigValue.real))
    }

    /// Refuses rows that do not have a number for each place.
    func requireFit(_ prediction: Shape, loss: String, argument: String) throws(LossShapeError) {
        guard values.count > 1, prediction.last != values.count else { return }
        throw LossShapeError(
            loss: loss, prediction: prediction,
            reason:
                "expected as many units as \(argument) has numbers, \(values.count); give the output that many "
                + "units, or \(argument) that many numbers")
    }
}

extension ConfigReader {
    /// A number, or a list with a number for each unit.
    mutating func placeFactors(
        _ key: String, default fallback: Double, expected: String, accepts: (Double) -> Bool
    ) throws(ConfigError) -> PlaceFactors {
        guard let value = try optionalValue(key, expected: expected) else { return PlaceFactors([fallback]) }
        let entries: [ConfigValue]
        if case .list(let list) = value { entries = list } else { entries = [value] }
        var numbers: [Double] = []
        for entry in entries {
            let number: Double
            switch entry {
            case .real(let real): number = real
            case .integer(let integer): number = Double(integer)
            default: throw error(key, "expected \(expected), found \(entry.summary)")
            }
            guard accepts(number) else { throw error(key, "expected \(expected), found \(number)") }
            numbers.append(number)
        }
        guard !numbers.isEmpty else { throw error(key, "expected \(expected), found an empty list") }
        return PlaceFactors(numbers)
    }
}
