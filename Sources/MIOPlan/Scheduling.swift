import MIOBase
import MIOGraph

/// From operations to a plan: who gives which gradient first, where everything lies, and when each part of
/// the gradient slab is complete.
///
/// Moments: operation i runs forward at i, the outputs at F (the number of operations), operation i backward
/// at 2F − i.
struct Scheduling {
    private let lowering: Lowering
    private let request: PlanRequest
    private let hasBackward: [Bool]
    private var outputs: [Plan.Output]
    private let activities: [Plan.Activity]
    private var inputFlows: [[Plan.GradientFlow]]
    private var weightFlows: [[Plan.GradientFlow]]
    /// Those that an output or an operation gives a gradient.
    private let rootsWithGradient: Set<Int>
    private let fusion: ReluFusion
    private var count: Int { lowering.operations.count }

    init(_ lowering: Lowering, _ request: PlanRequest) {
        self.lowering = lowering
        self.request = request
        let operations = lowering.operations
        func root(_ tensor: Int) -> Int { lowering.tensors[tensor].root }

        // Backward runs where something trained lies before and a loss behind.
        var leadsToLoss = Set(lowering.outputs.filter { $0.gradient != .none }.map { root($0.tensor) })
        for activity in lowering.activities where activity.gradient != .none {
            leadsToLoss.insert(root(activity.tensor))
        }
        for operation in operations.reversed()
        where operation.outputs.contains(where: { leadsToLoss.contains(root($0)) }) {
            for input in operation.inputs { leadsToLoss.insert(root(input)) }
        }
        let hasBackward = operations.map { operation in
            operation.outputs.contains { leadsToLoss.contains(root($0)) && lowering.dependsOnWeights($0) }
        }
        self.hasBackward = hasBackward

        // The outputs come first, then the operations from last to first: whoever reaches a gradient first
        // writes it, the others add.
        var written: Set<Int> = []
        outputs = lowering.outputs.map { output in
            guard output.gradient != .none, lowering.dependsOnWeights(output.tensor) else {
                return output.with(gradient: .none)
            }
            return output.with(gradient: written.insert(root(output.tensor)).inserted ? .first : .adds)
        }
        activities = lowering.activities.map { activity in
            guard activity.gradient != .none, lowering.dependsOnWeights(activity.tensor) else {
                return activity.with(gradient: .none)
            }
            return activity.with(
                gradient: written.insert(root(activity.tensor)).inserted ? .first : .adds)
        }
        inputFlows = operations.map { $0.inputs.map { _ in .none } }
        weightFlows = operations.map { $0.weights.map { _ in .none } }
        var contributed: Set<Int> = []
        for index in operations.indices.reversed() where hasBackward[index] {
            for (position, input) in operations[index].inputs.enumerated()
            where lowering.dependsOnWeights(input) {
                inputFlows[index][position] = written.insert(root(input)).inserted ? .first : .adds
            }
            for (position, weight) in operations[index].weights.enumerated()
            where lowering.graph.weights[weight].trainable {
                weightFlows[index][position] = contributed.insert(weight).inserted ? .first : .adds
            }
        }
        rootsWithGradient = written
        fusion = ReluFusion(lowering, hasBackward: hasBackward, flows: inputFlows)
    }

    func plan(backend: String) -> Plan {
        let weights = self.weights()
        let trained = weights.filter(\.trainable)
        var memory = Memory(lowering, samples: request.samples, moments: 2 * count + 1, inPlace: fusion.roots)
        for input in lowering.inputs { memory.useValue(input, at: 0) }
        for (index, operation) in lowering.operations.enumerated() {
            let (forward, backward) = (index, 2 * count - index)
            let masks = operation.masks.compactMap(\.self)
            for tensor in operation.outputs + operation.inputs + masks {
                memory.useValue(tensor, at: forward)
            }
            guard hasBackward[index] else { continue }
            for mask in masks { memory.useValue(mask, at: backward) }
            for output in operation.outputs where hasGradient(output) {
                memory.useGradient(output, at: backward)
            }
            for (input, flow) in zip(operation.inputs, inputFlows[index]) where flow != .none {
                memory.useGradient(input, at: backward)
            }
            if case .layer(_, _, let choice) = operation.work {
                if choice.backwardReadsOutput {
                    for output in operation.outputs { memory.useValue(output, at: backward) }
                }
                if choice.backwardReadsInputs {
                    for input in operation.inputs { memory.useValue(input, at: backward) }
                }
            }
        }
        for output in outputs {
            memory.useValue(output.tensor, at: count)
            memory.useValue(output.predictions, at: count)
            if output.gradient != .none { memory.useGradient(output.tensor, at: count) }
        }
        for activity in activities {
            memory.useValue(activity.tensor, at: count)
            if activity.gradient != .none { memory.useGradient(activity.tensor, at: count) }
        }
        let scratch = memory.addScratch(
            bytes: lowering.operations.map { $0.choice?.scratchBytes ?? 0 }.max() ?? 0)
        let workspaces = lowering.operations.enumerated().map { index, operation in
            memory.addWorkspace(
                bytes: operation.choice?.workspaceBytes ?? 0,
                life: index...(hasBackward[index] ? 2 * count - index : index))
        }
        memory.place()

        let stages = StagePlacement(
            lowering, hasBackward: hasBackward,
            losses: lowering.outputs.indices.map {
                lowering.outputs[$0].gradient == .none ? 0 : request.outputs[$0].batchSums
            })
        let placeOf = Dictionary(
            uniqueKeysWithValues: weights.enumerated().map { ($1.index, $0) })
        return Plan(
            backend: backend, samples: request.samples, tensors: memory.tensors(), inputs: lowering.inputs,
            operations: lowering.operations.enumerated().map { index, draft in
                Plan.Operation(
                    name: draft.name, work: draft.work, inputs: draft.inputs, masks: draft.masks,
                    outputs: draft.outputs, weights: draft.weights.map { placeOf[$0]! },
                    hasBackward: hasBackward[index],
                    inputGradients: inputFlows[index], weightGradients: weightFlows[index],
                    passesReluOf: fusion.passes[index], reluIsPassed: fusion.passed.contains(index),
                    scratchOffset: memory.offset(scratch), workspaceOffset: memory.offset(workspaces[index]),
                    forwardSums: stages.forward[index], backwardSums: stages.backward[index])
            },
            outputs: outputs.indices.map { outputs[$0].with(lossSums: stages.losses[$0]) },
            activities: activities,
            weights: weights,
            weightElements: weights.last?.range.upperBound ?? 0,
            trainedElements: trained.last?.range.upperBound ?? 0, buckets: buckets(trained),
            arenaBytes: memory.bytes, stages: stages.stages, batchSumCount: stages.count)
    }

    private func hasGradient(_ tensor: Int) -> Bool {
        rootsWithGradient.contains(lowering.tensors[tensor].root)
    }

    /// The weights in the order of the slabs: trained ones by the moment their gradient is complete, then
    /// the others.
    private func weights() -> [Plan.WeightPlan] {
        let all = lowering.graph.weights
        var owner = [Int?](repeating: nil, count: all.count)
        var completion = [Int?](repeating: nil, count: all.count)
        var position = [Int](repeating: 0, count: all.count)
        for (index, operation) in lowering.operations.enumerated() {
            for (place, weight) in operation.weights.enumerated() {
                if owner[weight] == nil {
                    owner[weight] = index
                    position[weight] = place
                }
                if weightFlows[index][place] != .none, completion[weight] == nil {
                    completion[weight] = index
                }
            }
        }
        /// Weights of whose gradient every call lists the rows.
        var lists = completion.map { $0 != nil }
        for operation in lowering.operations where operation.choice?.listsRows != true {
            for weight in operation.weights { lists[weight] = false }
        }
        let order = all.indices.sorted { a, b in
            if completion[a] != nil, completion[b] != nil, lists[a] != lists[b] { return lists[b] }
            return switch (completion[a], completion[b]) {
            case (let a?, let b?) where a != b: a > b
            case (_?, nil): true
            case (nil, _?): false
            default: a < b
            }
        }
        var offset = 0
        return order.map { index in
            let choice = lowering.operations[owner[index]!].choice!
            let elements = choice.weightElements[position[index]]
            defer { offset += Arena.aligned(floats: elements) }
            return Plan.WeightPlan(
                name: all[index].name, index: index, shape: all[index].shape,
                layout: choice.weightLayouts[position[index]], offset: offset, elements: elements,
                trainable: completion[index] != nil, listsRows: lists[index], owner: owner[index]!)
        }
    }

    private func buckets(_ trained: [Plan.WeightPlan]) -> [Plan.Bucket] {
        var completedBy: [Int: Int] = [:]
        for (index, operation) in lowering.operations.enumerated() where hasBackward[index] {
            for weight in operation.weights { completedBy[weight] = min(completedBy[weight] ?? index, index) }
        }
        var buckets: [Plan.Bucket] = []
        var start = 0
        for (position, weight) in trained.enumerated() {
            let end = weight.range.upperBound
            let isLast = position == trained.count - 1
            if isLast || end - start >= request.bucketElements
                || trained[position + 1].listsRows != weight.listsRows
            {
                buckets.append(
                    Plan.Bucket(
                        range: start..<end,
                        completedBy: weight.listsRows ? -1 : completedBy[weight.index]!))
                start = end
            }
        }
        return buckets
    }
}

extension Lowering.Draft {
    var choice: KernelChoice? {
        guard case .layer(_, _, let choice) = work else { return nil }
        return choice
    }
}

extension Plan.Output {
    fileprivate func with(gradient: Plan.GradientFlow) -> Plan.Output {
        Plan.Output(
            name: name, tensor: tensor, absorbed: absorbed, predictions: predictions, shape: shape,
            gradient: gradient, lossSums: lossSums)
    }

    fileprivate func with(lossSums: Range<Int>) -> Plan.Output {
        Plan.Output(
            name: name, tensor: tensor, absorbed: absorbed, predictions: predictions, shape: shape,
            gradient: gradient, lossSums: lossSums)
    }
}

extension Plan.Activity {
    fileprivate func with(gradient: Plan.GradientFlow) -> Plan.Activity {
        Plan.Activity(name: name, tensor: tensor, regularizer: regularizer, gradient: gradient)
    }
}
