import MIOTensor

/// The ways to compute a convolution, or one of its gradients.
public enum ConvolutionCandidate: String, CaseIterable, Hashable, Sendable {
    /// In 4×4 tiles, with a quarter of the multiplications: 3×3 kernels with stride 1. By oneDNN 2, on AVX-512.
    case winograd
    /// The same by mio's own loops, in blocks of tiles that stay in the second-level cache, while the memory fetches the
    /// next ones; on one thread.
    case blockedWinograd
    /// By oneDNN, as the last one.
    case direct
    /// Direct, of factors rounded to bfloat16 and sums of 32 bits.
    case bfloat16
}

/// Forward and the two gradients, which are computed each in its own way.
public enum ConvolutionPass: String, CaseIterable, Hashable, Sendable {
    case forward
    case backwardWeights = "backward weights"
    case backwardData = "backward data"
}

extension Convolution.Request {
    /// What a measurement is kept under; `threads` and `samples` change what is fastest as much as the shapes do, and a
    /// later version has other candidates.
    func key(_ engine: OneDNNEngine, samples: Int, threads: Int, precision: Precision) -> String {
        let padding = layer.padding.rawValue
        let candidates = candidates(engine, threads: threads, precision: precision)
            .map(\.rawValue).joined(separator: " ")
        return "conv \(inputShape) \(inputLayout) to \(outputShape), kernel \(layer.kernelSize), "
            + "strides \(layer.strides), \(padding), \(layer.activation), \(samples) samples, "
            + "\(threads) threads, \(precision.rawValue), of \(candidates)"
    }

    /// The ways that make sense here, the one to take unseen first.
    func candidates(_ engine: OneDNNEngine, threads: Int, precision: Precision) -> [ConvolutionCandidate] {
        var candidates: [ConvolutionCandidate] = []
        if hasWinograd(engine) {
            if threads == 1 { candidates.append(.blockedWinograd) }
            if engine.hasWinograd { candidates.append(.winograd) }
        }
        candidates.append(.direct)
        // Where there are no instructions for it, oneDNN emulates them: never faster.
        if precision == .bfloat16, engine.hasBFloat16, hasBFloat16(engine) { candidates.append(.bfloat16) }
        return candidates
    }

    /// Of blocked images only.
    func hasWinograd(_ engine: OneDNNEngine) -> Bool {
        outputLayout != .canonical && Convolution.hasWinograd(layer, channels: inputShape[2], engine)
    }

    /// Of blocked images only.
    func hasBFloat16(_ engine: OneDNNEngine) -> Bool {
        engine.hasAVX512 && outputLayout != .canonical && inputShape[2] * 2 >= engine.block
    }
}
