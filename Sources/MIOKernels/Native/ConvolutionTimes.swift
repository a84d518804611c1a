/// The seconds that a convolution's passes take in one way, and what is needed to get there.
package struct ConvolutionTimes: Sendable {
    /// Of the input's copy in the way's numbers and order; 0 if it reads the plan's, or each pass has a copy of its own.
    /// Made once where forward and the kernel's gradient read it.
    package var sourceCopy = 0.0
    /// Of the output's gradient likewise, for both gradients.
    package var gradientCopy = 0.0
    /// Without these copies, but with the way back of what the pass makes.
    package var forward = 0.0
    package var backwardWeights = 0.0
    package var backwardData = 0.0

    package init(
        sourceCopy: Double = 0, gradientCopy: Double = 0, forward: Double, backwardWeights: Double,
        backwardData: Double
    ) {
        self.sourceCopy = sourceCopy
        self.gradientCopy = gradientCopy
        self.forward = forward
        self.backwardWeights = backwardWeights
        self.backwardData = backwardData
    }

    /// The way of each pass that is fastest in all: a copy that two passes read costs once.
    ///
    /// The first candidate that can be run unless others take a tenth less, and earlier ones of those unless later ones take
    /// a twentieth less: ways that take about as long must not change from one run to the next.
    /// - Parameters:
    ///   - times: of each candidate; `nil` where it cannot be run, or only by plain loops.
    ///   - passes: those that there are.
    package static func fastest(
        _ candidates: [ConvolutionCandidate], _ times: [ConvolutionTimes?], passes: [ConvolutionPass]
    ) -> [ConvolutionPass: ConvolutionCandidate] {
        let usable = candidates.indices.filter { times[$0] != nil }
        guard let start = usable.first, let first = times[start] else {
            return Dictionary(uniqueKeysWithValues: passes.map { ($0, candidates[0]) })
        }
        func choices(_ pass: ConvolutionPass) -> [Int] { passes.contains(pass) ? usable : [start] }
        var best = (forward: start, weights: start, data: start)
        let usual = sum(first, first, first, passes, isShared: true, dataShares: true)
        var least = usual
        for forward in choices(.forward) {
            for weights in choices(.backwardWeights) {
                for data in choices(.backwardData) {
                    guard let a = times[forward], let b = times[weights], let c = times[data] else {
                        continue
                    }
                    let seconds = sum(
                        a, b, c, passes, isShared: forward == weights, dataShares: weights == data)
                    let bound = least == usual ? usual * 0.9 : least * 0.95
                    if seconds < bound { (best, least) = ((forward, weights, data), seconds) }
                }
            }
        }
        return Dictionary(
            uniqueKeysWithValues: passes.map { pass in
                switch pass {
                case .forward: (pass, candidates[best.forward])
                case .backwardWeights: (pass, candidates[best.weights])
                case .backwardData: (pass, candidates[best.data])
                }
            })
    }

    private static func sum(
        _ forward: Self, _ weights: Self, _ data: Self, _ passes: [ConvolutionPass], isShared: Bool,
        dataShares: Bool
    ) -> Double {
        let (hasWeights, hasData) = (passes.contains(.backwardWeights), passes.contains(.backwardData))
        var seconds = forward.sourceCopy + forward.forward
        if hasWeights {
            seconds += weights.backwardWeights + weights.gradientCopy + (isShared ? 0 : weights.sourceCopy)
        }
        if hasData { seconds += data.backwardData + (hasWeights && dataShares ? 0 : data.gradientCopy) }
        return seconds
    }
}
