import MIOBase
import MIOBatches
import MIOGraph
import MIOKernels
import MIOObjectives
import MIOOptimizers
import MIOPlan
import MIOTrace

/// The memory of one pass at a time: the values and gradients of a plan's tensors, and the outputs that read and write them.
///
/// At any time it belongs to one thread.
final class Frame {
    let executor: Executor
    let outputs: [TrainedOutput]
    let columns: ColumnMap
    private let activities: [ActivityTerm]
    /// Where its passes are recorded; `nil` for nowhere.
    var timeline: StepTimeline?
    private let plan: Plan

    init(executor: Executor, outputs: [TrainedOutput], columns: ColumnMap) {
        self.executor = executor
        plan = executor.plan
        self.outputs = outputs
        self.columns = columns
        activities = executor.plan.activities.map { ActivityTerm($0, executor) }
    }

    /// Brings a pass' samples of every input to where they are read, or has them read in the batch.
    /// - Returns: whether all of them are finite.
    @discardableResult
    func loadInputs(_ batch: Batch, _ pass: Range<Int>) -> Bool {
        var isFinite = true
        for (index, tensor) in plan.inputs.enumerated() {
            let count = pass.count * plan.tensors[tensor].elements
            let source =
                batch.values(ofColumn: columns.inputs[index])
                + pass.lowerBound * plan.tensors[tensor].elements
            let areIntegers = columns.requests[columns.inputs[index]].kind == .integer
            if areIntegers {
                // A batch keeps them in the bytes of floats.
                let integers = UnsafeRawPointer(source).assumingMemoryBound(to: Int32.self)
                if !executor.read(input: index, at: integers) {
                    executor.integers(tensor).update(from: integers, count: count)
                }
                continue
            }
            let isFiniteInput =
                executor.read(input: index, at: source)
                ? areFinite(source, count: count)
                : copyFinite(source, count: count, to: executor.value(tensor))
            isFinite = isFiniteInput && isFinite
        }
        return isFinite
    }

    /// Doubles that the outputs, and behind them the terms of layers' results, add up together.
    var sumCount: Int {
        outputs.reduce(0) { $0 + $1.sumCount } + (activities.isEmpty ? 0 : ControlNumbers.ofActivities)
    }

    /// Runs one pass forward through all stages and adds the outputs' sums.
    /// - Parameters:
    ///   - denominators: one an output, of the global batch; `nil` in evaluation, which asks for no gradient.
    ///   - sums: `sumCount` doubles.
    ///   - batchSums: in evaluation, `batchSumCount` doubles.
    func forward(
        _ batch: Batch, _ range: Range<Int>, _ pass: Pass, denominators: UnsafePointer<Double>?,
        sums: UnsafeMutablePointer<Double>, batchSums: UnsafeMutablePointer<Double>? = nil
    ) {
        begin(batch, range, sums: sums)
        executor.forward(pass)
        evaluate(batch, range, denominators: denominators, sums: sums, batchSums: batchSums)
    }

    /// Doubles that an evaluation adds up for each batch, one output after the other.
    var batchSumCount: Int { outputs.reduce(0) { $0 + $1.batchSumCount } }

    /// Adds what a pass contributes to the sums that losses need of the whole batch.
    /// - Parameter sums: the first one of the plan.
    func addLossSums(
        _ batch: Batch, _ range: Range<Int>, denominators: UnsafePointer<Double>,
        to sums: UnsafeMutablePointer<Double>
    ) {
        for (index, output) in outputs.enumerated() {
            output.addBatchSums(
                first: range.lowerBound, samples: range.count,
                targets: batch.values(ofColumn: columns.targets[index]), denominator: denominators[index],
                to: sums)
        }
    }

    /// Brings a pass' inputs to where they are read.
    func begin(_ batch: Batch, _ range: Range<Int>, sums: UnsafeMutablePointer<Double>) {
        // A fused relu makes 0 of a NaN: an input that is not a number would go by unnoticed, its sample wasted.
        // The loss says so instead, as it would without the fusion.
        let loading = timeline?.now ?? 0
        if !loadInputs(batch, range), sumCount > 0 { sums[0] = .nan }
        timeline?.record(.inputs, from: loading, samples: range.count)
    }

    /// Adds the outputs' sums of a pass that has gone through all stages.
    func evaluate(
        _ batch: Batch, _ range: Range<Int>, denominators: UnsafePointer<Double>?,
        sums: UnsafeMutablePointer<Double>, batchSums: UnsafeMutablePointer<Double>? = nil
    ) {
        let timeline = timeline
        var (offset, batchSum) = (0, 0)
        for (index, output) in outputs.enumerated() {
            let evaluating = timeline?.now ?? 0
            output.evaluate(
                first: range.lowerBound, samples: range.count,
                targets: batch.values(ofColumn: columns.targets[index]),
                denominator: denominators?[index], sums: sums + offset,
                batchSums: batchSums.map { $0 + batchSum })
            batchSum += output.batchSumCount
            timeline?.record(output: index, from: evaluating, samples: range.count)
            offset += output.sumCount
        }
        guard !activities.isEmpty else { return }
        let evaluating = timeline?.now ?? 0
        let denominator = denominators == nil ? nil : Double(batch.globalCount)
        for activity in activities {
            sums[offset] += activity.evaluate(samples: range.count, denominator: denominator)
        }
        sums[offset + 1] += Double(range.count)
        timeline?.record(.activities, from: evaluating, samples: range.count)
    }
}
