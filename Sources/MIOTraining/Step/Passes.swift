import MIOBatches
import MIOGraph
import MIOKernels

/// A part of a batch cut into passes of at most so many samples, as even as can be.
struct Passes: RandomAccessCollection {
    let samples: Range<Int>
    let most: Int

    init(_ samples: Range<Int>, most: Int) {
        self.samples = samples
        self.most = most
    }

    var startIndex: Int { 0 }
    var endIndex: Int { (samples.count + most - 1) / most }

    subscript(index: Int) -> Range<Int> {
        let (first, count) = (samples.lowerBound, samples.count)
        return first + count * index / endIndex..<first + count * (index + 1) / endIndex
    }
}

extension Pass {
    /// Over some samples of this rank's part of a batch.
    init(
        _ samples: Range<Int>, of batch: Batch, training: Bool, seed: UInt64 = 0, step: Int = 0,
        accumulates: Bool = false, usesBatchSums: Bool = false
    ) {
        self.init(
            samples: samples.count,
            context: CallContext(
                training: training, seed: seed, step: UInt64(step),
                firstSample: batch.firstPosition + samples.lowerBound),
            accumulates: accumulates, usesBatchSums: usesBatchSums)
    }
}
