import MIOComm
import MIOData
import MIOGraph
import MIOKernels
import MIOObjectives
import MIOOptimizers
import MIOPlan
import MIOTensor
import MIOTrace

/// A rank's copy of the model with its heads: passes over parts of batches, forward and backward.
///
/// It belongs to the thread that steps.
public final class Replica {
    public let graph: Graph
    public let plan: Plan
    public let executor: Executor
    let heads: [Head]
    /// For each head: its output's place in the graph's outputs.
    let headOutputs: [Int]
    public let columns: ColumnMap
    /// Where this replica's passes are recorded; `nil` for nowhere.
    public private(set) var timeline: StepTimeline?

    /// - Parameters:
    ///   - plan: of `planRequest`.
    ///   - outputs: what the trained outputs are trained for, in any order; the graph's others are only
    ///     computed.
    ///   - part: the most samples of a batch that this rank has.
    ///   - memory: the slabs of a training; without it the replica has weights of its own.
    /// - Throws: `KernelError`
    public init(
        graph: Graph, outputs: [OutputSpecification], backend: some KernelBackend, plan: Plan, part: Int,
        memory: TrainingMemory? = nil
    ) throws {
        self.graph = graph
        self.plan = plan
        executor = try Executor(
            plan: plan, graph: graph, backend: backend, weights: memory?.weights,
            gradients: memory?.gradients)
        var heads: [Head] = []
        var headOutputs: [Int] = []
        for (index, specification) in graph.trainedOutputs(outputs).enumerated() {
            guard let specification else { continue }
            heads.append(Head(specification, plan: plan.heads[index], executor: executor, part: part))
            headOutputs.append(index)
        }
        self.heads = heads
        self.headOutputs = headOutputs
        columns = ColumnMap(graph: graph, outputs: outputs)
    }

    /// What the plan of such a replica is asked for.
    public static func planRequest(
        graph: Graph, outputs: [OutputSpecification], pass: Int, bucketElements: Int = 1 << 20,
        forwardOnly: Bool = false
    ) -> PlanRequest {
        PlanRequest(
            graph: graph,
            heads: zip(graph.outputs, graph.trainedOutputs(outputs)).map { output, specification in
                PlanRequest.HeadRequest(
                    output: output.name, absorbs: specification?.loss.absorbs, trained: specification != nil)
            },
            samples: pass, bucketElements: bucketElements, forwardOnly: forwardOnly)
    }

    /// Makes ready for shards of these sizes. Call it before the first step.
    public func prepare(shardSizes: Set<Int>) throws {
        var sizes: Set<Int> = []
        for shard in shardSizes {
            for pass in Passes(0..<shard, most: plan.samples) { sizes.insert(pass.count) }
        }
        for size in sizes.sorted() { try executor.prepare(samples: size) }
    }

    /// Records passes, and the steps they are part of, from now on.
    /// - Parameter bytesOfUpdate: that an update of the weights moves on this rank.
    public func record(on timeline: Timeline, bytesOfUpdate: Int) -> StepTimeline {
        executor.record(on: timeline, graph: graph)
        let steps = StepTimeline(timeline, replica: self, bytesOfUpdate: bytesOfUpdate)
        self.timeline = steps
        return steps
    }

    // MARK: Weights

    /// Fills the weights with the first values that a seed gives.
    public func initializeWeights(seed: UInt64) {
        for parameter in plan.parameters {
            let description = graph.parameters[parameter.index].description
            executor.setCanonical(
                description.initialValues(seed: seed, stream: parameter.index), parameter,
                in: executor.weights)
        }
    }

    /// Every weight in Keras' order, shape and layout.
    public func canonicalWeights() -> [(name: String, tensor: Tensor)] {
        plan.parameters.sorted { $0.index < $1.index }.map {
            (name: $0.name, tensor: executor.canonical($0, in: executor.weights))
        }
    }

    /// - Precondition: the tensors have the parameters' names and shapes.
    public func setCanonicalWeights(_ tensors: [(name: String, tensor: Tensor)]) {
        let byName = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.tensor) })
        for parameter in plan.parameters {
            guard let tensor = byName[parameter.name] else {
                preconditionFailure("no values for \(parameter.name)")
            }
            executor.setCanonical(tensor, parameter, in: executor.weights)
        }
    }

    // MARK: Passes

    /// Copies a pass' samples of every input into the plan's tensors.
    /// - Returns: whether all of them are finite.
    @discardableResult
    func loadInputs(_ batch: Batch, _ pass: Range<Int>) -> Bool {
        var isFinite = true
        for (index, tensor) in plan.inputs.enumerated() {
            let count = pass.count * plan.tensors[tensor].elements
            let source =
                batch.values(ofColumn: columns.inputs[index])
                + pass.lowerBound * plan.tensors[tensor].elements
            isFinite = copyFinite(source, count: count, to: executor.value(tensor)) && isFinite
        }
        return isFinite
    }

    /// Counts the labels of some samples of the batch that comes next.
    /// - Parameter counts: two doubles a head: labelled positions, their weights.
    /// - Returns: the first label that a loss cannot take. Such a batch must not be run.
    @discardableResult
    func markFollowing(_ batch: Batch?, _ samples: Range<Int>, counts: UnsafeMutablePointer<Double>)
        -> LabelFault?
    {
        guard let batch else {
            counts.update(repeating: 0, count: 2 * heads.count)
            return nil
        }
        var first: (head: Int, fault: TargetFault)?
        for (index, head) in heads.enumerated() {
            let targets = UnsafePointer(batch.values(ofColumn: columns.targets[index]))
            let count = head.markFollowing(
                samples, targets: targets, weights: batch.values(ofColumn: columns.weights[index]))
            counts[2 * index] = count.positions
            counts[2 * index + 1] = count.weights
            if first == nil, let fault = head.firstFault(samples, targets: targets) { first = (index, fault) }
        }
        return first.map { index, fault in
            LabelFault(
                output: heads[index].specification.name, column: columns.targets[index],
                sample: samples.lowerBound + fault.position / heads[index].positionsPerSample, fault: fault)
        }
    }

    func advance() {
        for head in heads { head.advance() }
    }

    /// Doubles that the heads add up together.
    var sumCount: Int { heads.reduce(0) { $0 + $1.sumCount } }

    /// Runs one pass forward and adds the heads' sums.
    /// - Parameters:
    ///   - denominators: one a head, of the global batch; `nil` in evaluation, which asks for no gradient.
    ///   - sums: `sumCount` doubles.
    func forward(
        _ batch: Batch, _ range: Range<Int>, _ pass: Pass, denominators: UnsafePointer<Double>?,
        sums: UnsafeMutablePointer<Double>
    ) {
        // A fused relu makes 0 of a NaN: an input that is not a number would go by unnoticed, its sample wasted.
        // The loss says so instead, as it would without the fusion.
        let timeline = timeline
        let loading = timeline?.now ?? 0
        if !loadInputs(batch, range), sumCount > 0 { sums[0] = .nan }
        timeline?.record(.inputs, from: loading, samples: range.count)
        executor.forward(pass)
        var offset = 0
        for (index, head) in heads.enumerated() {
            let evaluating = timeline?.now ?? 0
            head.evaluate(
                first: range.lowerBound, samples: range.count,
                targets: batch.values(ofColumn: columns.targets[index]),
                denominator: denominators?[index], sums: sums + offset)
            timeline?.record(head: index, from: evaluating, samples: range.count)
            offset += head.sumCount
        }
    }
}
