import MIOBase

/// Keras' `backend.epsilon()`: probabilities are clipped to [ε, 1 − ε] before their logarithm is taken.
let probabilityEpsilon = 1e-7

/// Refuses predictions that are no choice: a single class has probability 1 whatever the weights are.
func requireClasses(of prediction: Shape, loss: String) throws(LossShapeError) {
    guard prediction.rank > 0, prediction.last > 1 else {
        throw LossShapeError(
            loss: loss, prediction: prediction,
            reason: "expected at least 2 classes on the last axis. For one yes-or-no answer use "
                + "binary_crossentropy")
    }
}

extension LossCall {
    /// The class index of a labelled position.
    @inline(__always)
    func classIndex(_ position: Int) -> Int {
        guard let index = Int(exactly: targets[position]), 0..<width ~= index else {
            preconditionFailure(
                "target \(targets[position]) at position \(position) was not checked to be a class index")
        }
        return index
    }

    /// Writes the softmax of one position's logits into `gradient` and `probabilities`, those that are given.
    /// - Returns: log Σ exp(logit), computed from the largest logit down so that nothing overflows.
    @inline(__always)
    func softmax(_ position: Int) -> T {
        let offset = position * width
        let logits = predictions + offset
        var largest = logits[0]
        for index in 1..<width { largest = max(largest, logits[index]) }
        // Exponentials are kept where one of the outputs has room for them, not computed twice.
        let kept = (probabilities ?? gradient).map { $0 + offset }
        let sum = sumOfRow(0) { index in
            let exponential = T.exp(logits[index] - largest)
            kept?[index] = exponential
            return exponential
        }
        if let kept {
            let factor = 1 / sum
            for index in 0..<width { kept[index] *= factor }
            if let gradient, probabilities != nil { (gradient + offset).update(from: kept, count: width) }
        }
        return largest + T.log(sum)
    }
}
