import MIOBase
import MIOGraph
import MIOKernels
import MIOPlan

/// A term of the loss made of a layer's results, in a lane's memory: r(y) of each sample, as a mean over the samples of the
/// global batch.
///
/// What it adds up is additive over passes, lanes and ranks; the division comes last, as with outputs.
final class ActivityTerm {
    private let regularizer: any Regularizer
    /// Of a sample, as it lies in memory. Padding is 0 and adds nothing.
    private let elements: Int
    private let values: UnsafePointer<Float>
    private let gradient: UnsafeMutablePointer<Float>?
    /// Whether an output has given the tensor a gradient already.
    private let adds: Bool
    /// The gradient of a part of a sample, before the division.
    private let part: Storage<Float>

    /// - Parameter executor: computes what the term is made of, and outlives it.
    init(_ plan: Plan.Activity, _ executor: Executor) {
        regularizer = plan.regularizer
        elements = executor.plan.tensors[plan.tensor].elements
        values = UnsafePointer(executor.value(plan.tensor))
        gradient = plan.gradient == .none ? nil : executor.gradient(plan.tensor)
        adds = plan.gradient == .adds
        part = Storage(count: min(elements, 1 << 10))
    }

    /// The sum over a pass' samples; with `denominator`, also the gradient.
    /// - Parameter denominator: samples of the global batch; `nil` in evaluation.
    func evaluate(samples: Int, denominator: Double?) -> Double {
        let gradient = denominator == nil ? nil : gradient
        let factor = Float(1 / (denominator ?? 1))
        var sum = 0.0
        for sample in 0..<samples {
            // Sample by sample, in parts: the same additions in passes of any size.
            var ofSample = 0.0
            var start = sample * elements
            let end = start + elements
            while start < end {
                let count = min(part.count, end - start)
                ofSample += evaluate(start, count, gradient, factor)
                start += count
            }
            sum += ofSample
        }
        return sum
    }

    private func evaluate(
        _ start: Int, _ count: Int, _ gradient: UnsafeMutablePointer<Float>?, _ factor: Float
    ) -> Double {
        guard let target = gradient.map({ $0 + start }) else {
            return regularizer.penalty(of: values + start, count: count, addingTo: nil)
        }
        let part = part.pointer
        part.update(repeating: 0, count: count)
        let sum = regularizer.penalty(of: values + start, count: count, addingTo: part)
        if adds {
            for index in 0..<count { target[index] += part[index] * factor }
        } else {
            for index in 0..<count { target[index] = part[index] * factor }
        }
        return sum
    }
}
