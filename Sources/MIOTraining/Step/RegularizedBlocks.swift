import MIOBase
import MIOComm

/// Adds the regularizers' gradients to the sums of a rank's blocks, and keeps each block's part of the terms.
///
/// The rank that owns a block adds its part when the gradients of all ranks are added up and before anything looks at
/// them: once at any number of ranks, and seen by clipping as in Keras.
final class RegularizedBlocks {
    private let regularization: Regularization
    private let blocks: [GradientPartition.Block]
    /// The term of each block; −1 for none.
    private let termOfBlock: [Int]
    /// The blocks of each term; none of a weight that is not trained.
    private let blocksOfTerm: [Range<Int>]
    /// One a block, the group's.
    private let penalties: Storage<Double>
    private let weights: Storage<Float>

    /// - Parameters:
    ///   - penalties: one a block, valid on all ranks of the group after the reduction's `finish`.
    ///   - weights: the slab, which nobody changes before that.
    init(
        _ regularization: Regularization, partition: GradientPartition, penalties: Storage<Double>,
        weights: Storage<Float>
    ) {
        precondition(penalties.count == partition.blocks.count, "one penalty a block")
        self.regularization = regularization
        self.penalties = penalties
        self.weights = weights
        blocks = partition.blocks
        var termOfBlock = [Int](repeating: -1, count: blocks.count)
        blocksOfTerm = regularization.terms.enumerated().map { index, term in
            guard term.isTrained else { return 0..<0 }
            let own = partition.blocks.indices.filter {
                term.range.contains(partition.blocks[$0].range.lowerBound)
            }
            for block in own { termOfBlock[block] = index }
            return own.isEmpty ? 0..<0 : own[0]..<own[own.count - 1] + 1
        }
        self.termOfBlock = termOfBlock
    }

    /// - Parameter sum: the block's gradient.
    /// - Returns: whether the block has a term.
    func add(to sum: UnsafeMutablePointer<Float>, block: Int) -> Bool {
        let index = termOfBlock[block]
        guard index >= 0 else { return false }
        let term = regularization.terms[index]
        // A block may go on over the padding behind its weight.
        let range = blocks[block].range.clamped(to: term.range)
        penalties.pointer[block] = term.regularizer.penalty(
            of: weights.pointer + range.lowerBound, count: range.count, addingTo: sum)
        return true
    }

    /// The sum of all terms, at the weights that the step's gradients were made with.
    var value: Double {
        var sum = 0.0
        for index in regularization.terms.indices {
            let blocks = blocksOfTerm[index]
            guard !blocks.isEmpty else {
                sum += regularization.terms[index].value(of: weights.pointer)
                continue
            }
            var term = 0.0
            for block in blocks { term += penalties.pointer[block] }
            sum += term
        }
        return sum
    }
}
