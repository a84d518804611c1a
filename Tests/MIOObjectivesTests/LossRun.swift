import MIOConfig
import MIOObjectives
import MIOTensor

/// One evaluation of a loss on arrays, with outputs that held rubbish before.
struct LossRun<T: Scalar> {
    var losses: [T]
    var gradient: [T]
    var probabilities: [T]

    init(
        _ loss: any Loss, predictions: [T], width: Int, targets: [Float], labelled: [UInt8]? = nil,
        scales: [T]? = nil
    ) {
        let positions = predictions.count / width
        losses = [T](repeating: .nan, count: positions)
        gradient = [T](repeating: .nan, count: predictions.count)
        probabilities = [T](repeating: .nan, count: predictions.count)
        let labelled = labelled ?? [UInt8](repeating: 1, count: positions)
        let scales = scales ?? [T](repeating: 1, count: positions)
        evaluate(
            loss, positions: positions, width: width, predictions, targets, labelled, scales, losses: &losses,
            gradient: &gradient, probabilities: &probabilities)
    }
}

/// A function, because the arrays it is given live until it returns; passed to `LossCall`'s initializer they would
/// only live until that returns.
private func evaluate<T: Scalar>(
    _ loss: any Loss, positions: Int, width: Int, _ predictions: UnsafePointer<T>,
    _ targets: UnsafePointer<Float>, _ labelled: UnsafePointer<UInt8>, _ scales: UnsafePointer<T>,
    losses: UnsafeMutablePointer<T>, gradient: UnsafeMutablePointer<T>?,
    probabilities: UnsafeMutablePointer<T>?
) {
    loss.forward(
        LossCall(
            positions: positions, width: width, predictions: predictions, targets: targets,
            labelled: labelled, scales: scales, losses: losses, gradient: gradient,
            probabilities: probabilities))
}

/// The losses alone, as an evaluation without training asks for them.
func lossesAlone<T: Scalar>(_ loss: any Loss, predictions: [T], width: Int, targets: [Float]) -> [T] {
    let positions = predictions.count / width
    var losses = [T](repeating: .nan, count: positions)
    evaluate(
        loss, positions: positions, width: width, predictions, targets,
        [UInt8](repeating: 1, count: positions), [T](repeating: 1, count: positions), losses: &losses,
        gradient: nil, probabilities: nil)
    return losses
}

/// Whether two numbers differ by at most `ulps` units in the last place of the larger, or of 1.
func isClose<T: Scalar>(_ a: T, _ b: T, ulps: T = 4) -> Bool {
    abs(a - b) <= ulps * T.ulpOfOne * max(abs(a), abs(b), 1)
}

func isClose<T: Scalar>(_ a: [T], _ b: [T], ulps: T = 4) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { isClose($0, $1, ulps: ulps) }
}
