import MIOBase
import MIOBatches
import MIOGraph
import MIOKernels
import MIOObjectives
import MIOPlan
import MIOThreads
import MIOTrace

/// A rank's copy of the model with its outputs, and the threads that compute with it: each takes whole samples through the
/// model, forward and backward, in a lane of its own.
///
/// It belongs to the thread that steps.
package final class Replica {
    package let graph: Graph
    package let plan: Plan
    package let columns: ColumnMap
    /// One for each thread; the first is the owner's.
    package let lanes: [Lane]
    let team: ThreadTeam
    /// Calls that take numbers of a range, which are looked at before a step.
    let integerReaders: [IntegerReader]
    /// Of each output.
    let labels: [OutputLabels]
    /// Where the first lane's passes and the steps are recorded; `nil` for nowhere.
    @exclusivity(unchecked) package private(set) var timeline: StepTimeline?

    /// Of the first lane: weights are the same in all.
    package var executor: Executor { lanes[0].executor }
    var trainedOutputs: [TrainedOutput] { lanes[0].frames[0].outputs }
    /// Makes the memory of one more pass, its weights' gradients in a slab that is given, or in one of its own.
    private let makeFrame: (Storage<Float>?, [RowGradients]?) throws -> Frame
    /// For each weight whose gradient's rows are listed: the most that a batch's part of this rank names.
    let rowRoom: [Int]
    private let part: Int

    /// - Parameters:
    ///   - plan: of `planRequest`.
    ///   - outputs: what the trained outputs are trained for, in any order; the graph's others are only
    ///     computed.
    ///   - part: the most samples of a batch that this rank has.
    ///   - memory: the slabs of a training, of which the first lane has the gradients; without it the replica has
    ///     weights of its own.
    ///   - lanes: threads that compute.
    /// - Throws: `KernelError`, `RunError`
    package init(
        graph: Graph, outputs: [OutputSpecification], backend: some KernelBackend, plan: Plan, part: Int,
        memory: TrainingMemory? = nil, lanes count: Int = 1
    ) throws {
        self.graph = graph
        self.plan = plan
        let columns = ColumnMap(graph: graph, outputs: outputs)
        self.columns = columns
        let weights = memory?.weights ?? Storage(count: plan.weightElements)
        let trained = graph.trainedOutputs(outputs).enumerated().compactMap { index, specification in
            specification.map {
                (plan: plan.outputs[index], source: graph.outputs[index].source, specification: $0)
            }
        }
        integerReaders = graph.integerReaders
        let labels = trained.map {
            OutputLabels(
                $0.specification, shape: $0.plan.shape, mask: OutputMask(graph, $0.source, part: part),
                part: part)
        }
        self.labels = labels
        let batchSums = Storage<Double>(count: plan.batchSumCount)
        self.part = part
        rowRoom = plan.listedRowsOfSample.map { $0.clampedTimes(part) }
        let makeFrame = { (gradients: Storage<Float>?, rows: [RowGradients]?) throws -> Frame in
            let executor = try Executor(
                plan: plan, graph: graph, backend: backend, weights: weights, gradients: gradients,
                rowGradients: rows, batchSums: batchSums)
            let outputs = zip(trained, labels).map { TrainedOutput($1, plan: $0.plan, executor: executor) }
            return Frame(executor: executor, outputs: outputs, columns: columns)
        }
        self.makeFrame = makeFrame
        lanes = try (0..<count).map { Lane(try makeFrame($0 == 0 ? memory?.gradients : nil, nil)) }
        team = try ThreadTeam(count: count)
        team.run { _ in backend.prepareThread() }
    }

    /// What the plan of such a replica is asked for.
    package static func planRequest(
        graph: Graph, outputs: [OutputSpecification], pass: Int, bucketElements: Int = 1 << 20,
        forwardOnly: Bool = false
    ) -> PlanRequest {
        PlanRequest(
            graph: graph,
            outputs: zip(graph.outputs, graph.trainedOutputs(outputs)).map { output, specification in
                let sums = specification?.loss.fitting(graph.spec(of: output.source).shape).sums ?? .none
                return PlanRequest.OutputRequest(
                    name: output.name, absorbs: specification?.loss.absorbs, trained: specification != nil,
                    batchSums: sums.areOfBatch ? sums.count : 0)
            },
            samples: pass, bucketElements: bucketElements, forwardOnly: forwardOnly)
    }

    /// Makes ready for shards of these sizes. Call it before the first step.
    ///
    /// In a step of several stages all passes of a rank's batch are under way at the same time: each has a frame. The last
    /// turn's gradients are where the reduction reads them; the turns before have slabs of their own.
    /// - Parameter turns: in which a lane computes its shards of a batch.
    package func prepare(shardSizes: Set<Int>, turns: Int = 1) throws {
        var sizes: Set<Int> = []
        for shard in shardSizes {
            for pass in Passes(0..<shard, most: plan.samples) { sizes.insert(pass.count) }
        }
        let passes = Self.passesPerTurn(plan, largestShard: shardSizes.max() ?? 0)
        for lane in lanes {
            let last = lane.executor.gradients
            lane.executor.reserveRows(samples: part)
            var slabs = (0..<(plan.stages.count > 1 ? turns - 1 : 0)).map { _ in
                (Storage<Float>(count: plan.laneElements), RowGradients.all(of: plan))
            }
            slabs.append((last, lane.executor.rowGradients))
            if plan.stages.count > 1 {
                // Frame 0 has the last slab and so belongs to the last turn.
                try lane.makeFrames(turns * passes) {
                    let slab = slabs[(turns - 1 + $0 / passes) % turns]
                    let frame = try makeFrame(slab.0, slab.1)
                    frame.executor.reserveRows(samples: part)
                    return frame
                }
            }
            for frame in lane.frames {
                for size in sizes.sorted() { try frame.executor.prepare(samples: size) }
            }
        }
    }

    /// Passes that a lane makes of a shard.
    static func passesPerTurn(_ plan: Plan, largestShard: Int) -> Int {
        max(1, Passes(0..<largestShard, most: plan.samples).count)
    }

    /// How often a lane holds the values of a plan's tensors.
    package static func frames(_ plan: Plan, largestShard: Int, turns: Int) -> Int {
        plan.stages.count > 1 ? passesPerTurn(plan, largestShard: largestShard) * turns : 1
    }

    /// The frame of a pass of a lane's turn, in a step of several stages.
    func frame(of lane: Int, turn: Int, pass: Int, turns: Int) -> Frame {
        let frames = lanes[lane].frames
        return frames[(turn + 1) % turns * (frames.count / turns) + pass]
    }

    /// Records the first lane's passes, and the steps they are part of, from now on.
    /// - Parameter bytesOfUpdate: that an update of the weights moves on the first lane's thread.
    package func record(on timeline: Timeline, bytesOfUpdate: Int) -> StepTimeline {
        let trace = ExecutorTrace(timeline, plan: plan, graph: graph)
        for frame in lanes[0].frames { frame.executor.record(on: trace) }
        let steps = StepTimeline(timeline, replica: self, bytesOfUpdate: bytesOfUpdate)
        self.timeline = steps
        for frame in lanes[0].frames { frame.timeline = steps }
        return steps
    }

    // MARK: Weights

    /// Fills the weights with the first values that a seed gives.
    package func initializeWeights(seed: UInt64) {
        for weight in plan.weights {
            let description = graph.weights[weight.index].description
            executor.setCanonical(
                description.initialValues(seed: seed, stream: weight.index), weight,
                in: executor.weights)
        }
    }

    /// Every weight in Keras' order, shape and layout.
    package func canonicalWeights() -> [(name: String, tensor: Tensor)] {
        plan.weights.sorted { $0.index < $1.index }.map {
            (name: $0.name, tensor: executor.canonical($0, in: executor.weights))
        }
    }

    /// - Precondition: the tensors have the weights' names and shapes.
    package func setCanonicalWeights(_ tensors: [(name: String, tensor: Tensor)]) {
        let byName = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.tensor) })
        for weight in plan.weights {
            guard let tensor = byName[weight.name] else {
                preconditionFailure("no values for \(weight.name)")
            }
            executor.setCanonical(tensor, weight, in: executor.weights)
        }
    }

    // MARK: Losses

    /// The terms of the loss that are made of weights alone.
    var regularization: Regularization { Regularization(graph: graph, plan: plan) }

    /// Gives the outputs the weights that their losses have in a step. Not while a lane computes.
    package func setLossWeights(step: Int) {
        for lane in lanes {
            for frame in lane.frames {
                for output in frame.outputs where output.specification.weightSchedule != nil {
                    output.weight = output.specification.weight(at: step)
                }
            }
        }
    }

    var logNames: LogNames {
        LogNames(
            trained: trainedOutputs.map { (specification: $0.specification, shape: $0.shape) },
            modelOutputs: graph.outputs.count,
            hasRegularization: graph.hasRegularizers)
    }

    // MARK: Batches

    /// Doubles that the outputs add up together.
    var sumCount: Int { lanes[0].frames[0].sumCount }

    /// Counts the labels of some samples of the batch that comes next.
    /// - Parameters:
    ///   - counts: two doubles an output: labelled positions, their weights.
    ///   - training: whether samples count by their classes too.
    /// - Returns: a label that a loss cannot take, or a number that a layer cannot take. Such a batch must not be run.
    @discardableResult
    func markFollowing(
        _ batch: Batch?, _ samples: Range<Int>, counts: UnsafeMutablePointer<Double>, training: Bool
    ) -> BatchFault? {
        guard let batch else {
            counts.update(repeating: 0, count: 2 * labels.count)
            return nil
        }
        var first: (output: Int, fault: TargetFault)?
        for (index, output) in labels.enumerated() {
            let targets = UnsafePointer(batch.values(ofColumn: columns.targets[index]))
            let count = output.markFollowing(
                samples, of: batch, columns, targets: targets,
                weights: batch.values(ofColumn: columns.weights[index]), training: training)
            counts[2 * index] = count.positions
            counts[2 * index + 1] = count.weights
            if first == nil, let fault = output.firstFault(samples, targets: targets) {
                first = (index, fault)
            }
        }
        if let fault = firstNumberFault(batch, samples) { return .number(fault) }
        return first.map { index, fault in
            .label(
                LabelFault(
                    output: labels[index].specification.name, column: columns.targets[index],
                    sample: samples.lowerBound + fault.position / labels[index].positionsPerSample,
                    fault: fault))
        }
    }

    /// The batch whose labels were marked is now at hand.
    func advance() {
        for output in labels { output.advance() }
    }
}
