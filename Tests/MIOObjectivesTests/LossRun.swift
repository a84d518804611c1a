import MIOBase
import MIOConfig
import MIOObjectives
import Testing

/// One evaluation of a loss on arrays, with outputs that held rubbish before.
struct LossRun<T: Scalar> {
    var losses: [T]
    var gradient: [T]
    var probabilities: [T]

    init(
        _ loss: any Loss, predictions: [T], width: Int, targets: [Float], labelled: [UInt8]? = nil,
        missing: Float = .nan, scales: [T]? = nil
    ) {
        let positions = predictions.count / width
        losses = [T](repeating: .nan, count: positions)
        gradient = [T](repeating: .nan, count: predictions.count)
        probabilities = [T](repeating: .nan, count: predictions.count)
        let labelled = labelled ?? [UInt8](repeating: 1, count: positions)
        let scales = scales ?? [T](repeating: 1, count: positions)
        evaluate(
            loss, positions: positions, width: width, predictions, targets, labelled, missing, scales,
            losses: &losses, gradient: &gradient, probabilities: &probabilities)
    }
}

/// A function, because the arrays it is given live until it returns; passed to `LossCall`'s initializer they would
/// only live until that returns.
private func evaluate<T: Scalar>(
    _ loss: any Loss, positions: Int, width: Int, _ predictions: UnsafePointer<T>,
    _ targets: UnsafePointer<Float>, _ labelled: UnsafePointer<UInt8>, _ missing: Float,
    _ scales: UnsafePointer<T>, losses: UnsafeMutablePointer<T>, gradient: UnsafeMutablePointer<T>?,
    probabilities: UnsafeMutablePointer<T>?
) {
    let call = LossCall(
        positions: positions, width: width, predictions: predictions, targets: targets,
        labelled: labelled, missing: missing, scales: scales, losses: losses, gradient: gradient,
        probabilities: probabilities)
    // 32-bit floats go the way of training, the oracle is plain.
    if let call = call as? LossCall<Float> { loss.forwardNative(call) } else { loss.forward(call) }
}

/// The losses alone, as an evaluation without training asks for them.
func lossesAlone<T: Scalar>(
    _ loss: any Loss, predictions: [T], width: Int, targets: [Float], labelled: [UInt8]? = nil,
    missing: Float = .nan
) -> [T] {
    let positions = predictions.count / width
    var losses = [T](repeating: .nan, count: positions)
    evaluate(
        loss, positions: positions, width: width, predictions, targets,
        labelled ?? [UInt8](repeating: 1, count: positions), missing, [T](repeating: 1, count: positions),
        losses: &losses, gradient: nil, probabilities: nil)
    return losses
}

/// A loss of 32-bit numbers, which is made in vectors, and the plain one of the same in double precision. Of labelled
/// positions the losses alone are expected to be the same to the bit.
func vectorAndPlain(
    _ loss: any Loss, predictions: [Float], width: Int, targets: [Float], labelled: [UInt8], scales: [Float],
    sourceLocation: SourceLocation = #_sourceLocation
) -> (vector: LossRun<Float>, plain: LossRun<Double>) {
    let vector = LossRun<Float>(
        loss, predictions: predictions, width: width, targets: targets, labelled: labelled, scales: scales)
    let plain = LossRun<Double>(
        loss, predictions: predictions.map(Double.init), width: width, targets: targets, labelled: labelled,
        scales: scales.map(Double.init))
    let alone = lossesAlone(
        loss, predictions: predictions, width: width, targets: targets, labelled: labelled)
    for (a, b) in zip(alone, vector.losses) {
        #expect(a == b || a.isNaN && b.isNaN, "\(a), expected \(b)", sourceLocation: sourceLocation)
    }
    return (vector, plain)
}

/// A run must see what is no number, wherever it stands in a row, and in that row alone.
/// - Parameters:
///   - targets: of two positions.
///   - check: what else is expected, with what is no number at a place in the first row.
func expectKeepsWhatIsNoNumber(
    _ loss: any Loss, width: Int, targets: [Float], sourceLocation: SourceLocation = #_sourceLocation,
    check: (_ run: LossRun<Float>, _ place: Int) -> Void = { _, _ in }
) {
    for place in 0..<width {
        var predictions = [Float](repeating: 0.5, count: 2 * width)
        predictions[place] = .nan
        let run = LossRun<Float>(loss, predictions: predictions, width: width, targets: targets)
        #expect(
            run.losses[0].isNaN && run.losses[1].isFinite, "\(loss) at \(place)",
            sourceLocation: sourceLocation)
        check(run, place)
    }
}

/// Whether two numbers differ by at most `ulps` units in the last place of the larger, or of 1.
func isClose<T: Scalar>(_ a: T, _ b: T, ulps: T = 4) -> Bool {
    abs(a - b) <= ulps * T.ulpOfOne * max(abs(a), abs(b), 1)
}

func isClose<T: Scalar>(_ a: [T], _ b: [T], ulps: T = 4) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { isClose($0, $1, ulps: ulps) }
}
