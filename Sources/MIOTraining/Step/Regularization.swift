import MIOComm
import MIOGraph
import MIOPlan

/// The terms of the loss that are made of weights alone: those of the layers' regularizers.
///
/// Each belongs to a weight and counts once, however many calls, samples, lanes and ranks there are. Weights that are not
/// trained have none, as in Keras.
///
/// A term is added up in pieces of as many elements as `GradientPartition`'s blocks have, in one order: its value has the
/// same bits at any number of ranks, in training and in evaluation.
package struct Regularization {
    struct Term {
        let regularizer: any Regularizer
        /// Of the slab of weights, in whatever layout: a term does not depend on the order of elements.
        let range: Range<Int>
        /// Whether the plan trains the weight. Without an output behind it that has a loss it stays as it is.
        let isTrained: Bool
    }

    /// In the order of the graph's weights.
    let terms: [Term]

    package init(graph: Graph, plan: Plan) {
        terms = plan.weights.sorted { $0.index < $1.index }.compactMap { weight in
            let entry = graph.weights[weight.index]
            guard entry.trainable, let regularizer = entry.description.rules.regularizer else { return nil }
            return Term(regularizer: regularizer, range: weight.range, isTrained: weight.trainable)
        }
    }

    package var isEmpty: Bool { terms.isEmpty }

    /// The sum of all terms.
    /// - Parameter weights: the slab.
    package func value(of weights: UnsafePointer<Float>) -> Double {
        var sum = 0.0
        for term in terms { sum += term.value(of: weights) }
        return sum
    }
}

extension Regularization.Term {
    func value(of weights: UnsafePointer<Float>) -> Double {
        var sum = 0.0
        var start = range.lowerBound
        while start < range.upperBound {
            let count = min(GradientPartition.blockElements, range.upperBound - start)
            sum += regularizer.penalty(of: weights + start, count: count, addingTo: nil)
            start += count
        }
        return sum
    }
}
