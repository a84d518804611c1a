import MIOBase
import MIOGraph
import MIOPlan
import MIOTrace

/// A plan bound to memory: runs its operations forward and backward on a pass' samples.
///
/// It belongs to the thread that steps.
package final class Executor {
    package let plan: Plan
    /// Every weight, in the plan's order and layouts; the trained ones first.
    package let weights: Storage<Float>
    /// The gradients of the trained weights, at the same offsets; of those whose rows are listed only where there is room
    /// for them.
    package let gradients: Storage<Float>
    /// The listed rows of such weights, in the plan's order.
    package let rowGradients: [RowGradients]
    /// Where each of them is whole.
    private let rowOffsets: [Int]
    /// What the plan's stages have added up over the global batch.
    package let batchSums: Storage<Double>
    private let states: [LayerState]
    /// Values, gradients, scratch and workspaces; the plan says where, in bytes, and what the elements are.
    private let arena: Storage<UInt8>
    private let operations: [Operation]
    /// `operations`, to be called without counting references: a retain and a release take 20 ns, of calls that may
    /// take a few hundred.
    private let calls: [Unmanaged<Operation>]
    /// For each of the plan's inputs who reads it, where all of them can read it anywhere.
    private let readers: [[(operation: Int, input: Int)]?]
    private var trace: ExecutorTrace?

    private final class Operation {
        let kernel: any Kernel
        let hasBackward: Bool

        init(_ kernel: any Kernel, hasBackward: Bool) {
            self.kernel = kernel
            self.hasBackward = hasBackward
        }
    }

    /// - Parameters:
    ///   - gradients: a slab that somebody else provides, to reduce it without a copy.
    ///   - rowGradients: of `gradients`; of its own without them.
    ///   - batchSums: `Plan.batchSumCount` numbers, of all executors of a rank.
    /// - Throws: `KernelError`
    package init(
        plan: Plan, graph: Graph, backend: some KernelBackend, weights: Storage<Float>? = nil,
        gradients: Storage<Float>? = nil, rowGradients: [RowGradients]? = nil,
        batchSums: Storage<Double>? = nil
    ) throws {
        self.plan = plan
        let weights = weights ?? Storage(count: plan.weightElements)
        let gradients = gradients ?? Storage(count: plan.laneElements)
        let rowGradients = rowGradients ?? RowGradients.all(of: plan)
        let batchSums = batchSums ?? Storage(count: plan.batchSumCount)
        let arena = Storage<UInt8>(count: plan.arenaBytes)
        precondition(weights.count >= plan.weightElements && gradients.count >= plan.laneElements)
        self.weights = weights
        self.gradients = gradients
        self.rowGradients = rowGradients
        rowOffsets = plan.weights.filter(\.listsRows).map(\.offset)
        self.batchSums = batchSums
        self.arena = arena
        let kernels: [any Kernel] = try plan.operations.map { operation in
            let bindings = Self.bindings(
                operation, plan, UnsafeMutableRawPointer(arena.pointer), weights.pointer, gradients.pointer,
                rowGradients,
                batchSums.pointer)
            switch operation.work {
            case .layer(let layer, let node, let choice):
                return try backend.makeKernel(
                    KernelDescription(
                        layer: layer, streams: RandomStreams(path: graph.nodes[node].name),
                        inputShapes: operation.inputs.map { plan.tensors[$0].shape },
                        outputShapes: operation.outputs.map { plan.tensors[$0].shape },
                        inputElements: Self.elements(ofInputs: node, graph), choice: choice,
                        samples: plan.samples, reluIsPassed: operation.reluIsPassed, bindings: bindings))
            case .mask(let mask):
                return MaskKernel(
                    mask, inputs: mask.inputs.map { graph.spec(of: graph.inputs[$0].source) },
                    bindings: bindings)
            case .reorder:
                let (input, output) = (plan.tensors[operation.inputs[0]], plan.tensors[operation.output])
                return ReorderKernel(
                    from: input.layout, to: output.layout, shape: output.shape, bindings: bindings)
            }
        }
        operations = zip(kernels, plan.operations).map { Operation($0, hasBackward: $1.hasBackward) }
        calls = operations.map(Unmanaged.passUnretained)
        readers = plan.inputs.map { Self.readers($0, plan, kernels) }
        states = LayerState.all(of: plan, graph, weights: weights, batchSums: batchSums)
    }

    /// What the elements of a call's inputs are; empty if all are floats.
    private static func elements(ofInputs node: Int, _ graph: Graph) -> [TensorElement] {
        let elements = graph.nodes[node].inputs.map { graph.spec(of: $0).element }
        return elements.allSatisfy { $0 == .float32 } ? [] : elements
    }

    /// Who reads an input, under whatever shape; `nil` if one of them cannot read it elsewhere, or it is an output.
    private static func readers(
        _ tensor: Int, _ plan: Plan, _ kernels: [any Kernel]
    ) -> [(operation: Int, input: Int)]? {
        func isInput(_ other: Int) -> Bool { plan.tensors[other].root == tensor }
        guard !plan.outputs.contains(where: { isInput($0.tensor) || isInput($0.predictions) }) else {
            return nil
        }
        var readers: [(operation: Int, input: Int)] = []
        for (index, operation) in plan.operations.enumerated() {
            for (input, other) in operation.inputs.enumerated() where isInput(other) {
                guard kernels[index].canMoveInputs else { return nil }
                readers.append((index, input))
            }
        }
        return readers
    }

    private static func bindings(
        _ operation: Plan.Operation, _ plan: Plan, _ arena: UnsafeMutableRawPointer,
        _ weights: UnsafeMutablePointer<Float>, _ gradients: UnsafeMutablePointer<Float>,
        _ rowGradients: [RowGradients],
        _ batchSums: UnsafeMutablePointer<Double>
    ) -> Bindings {
        func floats(at byte: Int) -> UnsafeMutablePointer<Float> {
            (arena + byte).assumingMemoryBound(to: Float.self)
        }
        func gradient(_ weight: Int, _ flow: Plan.GradientFlow) -> Gradient? {
            flow == .none || plan.weights[weight].listsRows
                ? nil : Gradient(pointer: gradients + plan.weights[weight].offset, flow: flow)
        }
        func rows(_ weight: Int, _ flow: Plan.GradientFlow) -> ListedGradient? {
            guard flow != .none, plan.weights[weight].listsRows else { return nil }
            let place = plan.weights[..<weight].count { $0.listsRows }
            return ListedGradient(rows: rowGradients[place], flow: flow)
        }
        return Bindings(
            inputs: operation.inputs.map { floats(at: plan.tensors[$0].offset) },
            inputGradients: zip(operation.inputs, operation.inputGradients).map { input, flow in
                guard flow != .none, let offset = plan.tensors[input].gradientOffset else { return nil }
                return Gradient(pointer: floats(at: offset), flow: flow)
            },
            passedRelu: operation.passesReluOf.map { producer in
                producer.map {
                    // A convolution's second weight is its bias.
                    let (weights, flows) = (plan.operations[$0].weights, plan.operations[$0].weightGradients)
                    return PassedRelu(
                        biasGradient: weights.count > 1 ? gradient(weights[1], flows[1]) : nil)
                }
            },
            masks: operation.masks.map { mask in mask.map { floats(at: plan.tensors[$0].offset) } },
            outputs: operation.outputs.map { floats(at: plan.tensors[$0].offset) },
            outputGradients: operation.outputs.map { output in
                operation.hasBackward ? plan.tensors[output].gradientOffset.map(floats) : nil
            },
            weights: operation.weights.map { weights + plan.weights[$0].offset },
            weightGradients: zip(operation.weights, operation.weightGradients).map { gradient($0, $1) },
            rowGradients: zip(operation.weights, operation.weightGradients).map { rows($0, $1) },
            scratch: floats(at: operation.scratchOffset), workspace: floats(at: operation.workspaceOffset),
            forwardSums: operation.forwardSums.isEmpty
                ? nil : UnsafePointer(batchSums + operation.forwardSums.lowerBound),
            backwardSums: operation.backwardSums.isEmpty
                ? nil : UnsafePointer(batchSums + operation.backwardSums.lowerBound))
    }

    /// Makes ready for passes of this many samples.
    package func prepare(samples: Int) throws {
        precondition(samples <= plan.samples, "\(samples) samples in a plan for \(plan.samples)")
        for operation in operations { try operation.kernel.prepare(samples: samples) }
        if rowGradients.contains(where: { !$0.isReserved }) { reserveRows(samples: plan.samples) }
    }

    /// Makes room for the rows of gradients that so many samples name.
    package func reserveRows(samples: Int) {
        for (rows, numbers) in zip(rowGradients, plan.listedRowsOfSample) { rows.reserve(samples * numbers) }
    }

    /// Makes the gradients 0: a part of a batch without a sample.
    package func clearGradients() {
        gradients.pointer.update(repeating: 0, count: plan.laneElements)
        for rows in rowGradients { rows.clear() }
    }

    /// Writes the listed rows of gradients to where they are whole.
    /// - Precondition: `gradients` has `plan.trainedElements`, which are 0 behind `plan.laneElements`.
    package func spreadRows() {
        for (rows, offset) in zip(rowGradients, rowOffsets) { rows.write(to: gradients.pointer + offset) }
    }

    // MARK: A pass

    /// Has the next passes read one of the plan's inputs where it lies, if all that read it can.
    /// - Parameter values: (samples, elements), of the type that the plan says, for as long as passes read them; nobody
    ///   writes there.
    /// - Returns: whether they will; else they read it from the place of its tensor.
    package func read(input: Int, at values: UnsafeRawPointer) -> Bool {
        guard let readers = readers[input] else { return false }
        let values = UnsafeMutableRawPointer(mutating: values).assumingMemoryBound(to: Float.self)
        for reader in readers {
            calls[reader.operation]._withUnsafeGuaranteedRef {
                $0.kernel.move(input: reader.input, to: values)
            }
        }
        return true
    }

    /// Where a tensor's values are, of whatever type: (samples, elements of its layout).
    package func place(_ tensor: Int) -> UnsafeMutableRawPointer {
        UnsafeMutableRawPointer(arena.pointer) + plan.tensors[tensor].offset
    }

    /// The values of a tensor of floats: (samples, elements of its layout).
    package func value(_ tensor: Int) -> UnsafeMutablePointer<Float> {
        precondition(
            plan.tensors[tensor].element == .float32, "\(plan.tensors[tensor].name) holds no floats")
        return place(tensor).assumingMemoryBound(to: Float.self)
    }

    /// The values of a tensor of whole numbers: (samples, elements).
    package func integers(_ tensor: Int) -> UnsafeMutablePointer<Int32> {
        precondition(
            plan.tensors[tensor].element == .int32, "\(plan.tensors[tensor].name) holds no integers")
        return place(tensor).assumingMemoryBound(to: Int32.self)
    }

    /// Where a tensor's gradient is; `nil` if it has none.
    package func gradient(_ tensor: Int) -> UnsafeMutablePointer<Float>? {
        plan.tensors[tensor].gradientOffset.map {
            (UnsafeMutableRawPointer(arena.pointer) + $0).assumingMemoryBound(to: Float.self)
        }
    }

    /// Records every operation from now on.
    package func record(on trace: ExecutorTrace) { self.trace = trace }

    /// Runs all stages, one after the other, with the sums over the batch that are there.
    package func forward(_ pass: Pass) { forward(pass, calls.indices) }

    /// Runs a stage.
    package func forward(_ pass: Pass, stage: Plan.Stage) { forward(pass, stage.operations) }

    private func forward(_ pass: Pass, _ operations: Range<Int>) {
        for index in operations {
            let start = trace?.now ?? 0
            calls[index]._withUnsafeGuaranteedRef { $0.kernel.forward(pass) }
            trace?.forward(index, from: start, samples: pass.samples)
        }
    }

    /// Adds what a pass contributes to the sums that a stage begins with.
    /// - Parameter sums: as many as `stage.forwardSums`.
    package func addForwardSums(_ pass: Pass, stage: Plan.Stage, to sums: UnsafeMutablePointer<Double>) {
        for index in stage.summing where !plan.operations[index].forwardSums.isEmpty {
            let start = trace?.now ?? 0
            operations[index].kernel.addForwardSums(
                pass, to: sums + plan.operations[index].forwardSums.lowerBound - stage.forwardSums.lowerBound)
            trace?.forward(index, from: start, samples: pass.samples)
        }
    }

    /// Adds what a pass contributes to the sums that a stage's backward ends with.
    /// - Parameter sums: as many as `stage.backwardSums`.
    package func addBackwardSums(_ pass: Pass, stage: Plan.Stage, to sums: UnsafeMutablePointer<Double>) {
        for index in stage.summing where !plan.operations[index].backwardSums.isEmpty {
            let start = trace?.now ?? 0
            operations[index].kernel.addBackwardSums(
                pass,
                to: sums + plan.operations[index].backwardSums.lowerBound - stage.backwardSums.lowerBound)
            trace?.backward(index, from: start, samples: pass.samples)
        }
    }

    /// Changes the state that layers keep from step to step, by the sums of the step at hand.
    package func updateState() {
        for state in states { state.update() }
    }

    /// - Parameter completed: called after each operation with its number: what the buckets wait for.
    package func backward(_ pass: Pass, completed: (Int) -> Void) {
        backward(pass, calls.indices, completed: completed)
    }

    /// Runs some operations backward, from the last one to the first.
    package func backward(_ pass: Pass, _ operations: Range<Int>, completed: (Int) -> Void) {
        for index in operations.reversed() {
            calls[index]._withUnsafeGuaranteedRef {
                guard $0.hasBackward else { return }
                let start = trace?.now ?? 0
                $0.kernel.backward(pass)
                trace?.backward(index, from: start, samples: pass.samples)
            }
            completed(index)
        }
    }

    // MARK: Weights in canonical form

    /// Copies a weight's part of a slab of the weights' layout out, in Keras' shape and order.
    package func canonical(_ weight: Plan.WeightPlan, in slab: Storage<Float>) -> Tensor {
        var tensor = Tensor(zeros: weight.shape)
        tensor.values.withUnsafeMutableBufferPointer {
            guard let target = $0.baseAddress else { return }
            copy(weight, of: slab.pointer, to: target)
        }
        return tensor
    }

    /// The same without an allocation, into `target`, of `weight.shape.count` elements.
    package func copy(
        _ weight: Plan.WeightPlan, of slab: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>
    ) {
        operations[weight.owner].kernel.convert(
            weight: index(of: weight), stored: slab + weight.offset, to: target)
    }

    /// - Precondition: the tensor has the weight's shape.
    package func setCanonical(_ tensor: Tensor, _ weight: Plan.WeightPlan, in slab: Storage<Float>) {
        precondition(
            tensor.shape == weight.shape, "\(weight.name): \(tensor.shape), not \(weight.shape)")
        tensor.values.withUnsafeBufferPointer {
            guard let source = $0.baseAddress else { return }
            operations[weight.owner].kernel.convert(
                weight: index(of: weight), canonical: source, to: slab.pointer + weight.offset)
        }
    }

    /// For each element of a weight in canonical order its place in the weight's range of a slab; `nil` if that is
    /// the canonical order itself.
    package func places(of weight: Plan.WeightPlan) -> [Int]? {
        // Nothing is copied to find out what the plan says.
        if weight.layout == KernelChoice.canonicalWeight { return nil }
        let count = weight.shape.count
        // The numbers of the elements, from 1 because padding is 0, go the way of weights: their lowest bits, and the others if
        // there are any, because a 32-bit float holds integers of 24 bits.
        let bits = 20
        let canonical = Storage<Float>(count: count)
        let parts = (0..<(count >> bits == 0 ? 1 : 2)).map { part in
            for index in 0..<count {
                canonical.pointer[index] = Float((index + 1) >> (part * bits) & (1 << bits - 1))
            }
            let stored = Storage<Float>(count: weight.elements)
            operations[weight.owner].kernel.convert(
                weight: index(of: weight), canonical: canonical.pointer, to: stored.pointer)
            return stored
        }
        var places = [Int](repeating: 0, count: count)
        var isCanonical = true
        for place in 0..<weight.elements {
            var number = 0
            for (part, stored) in parts.enumerated() { number += Int(stored.pointer[place]) << (part * bits) }
            guard number > 0 else { continue }
            places[number - 1] = place
            if number - 1 != place { isCanonical = false }
        }
        return isCanonical ? nil : places
    }

    /// Bytes that `places(of:)` uses for an element of a weight while it finds them, and bytes of what it returns.
    package static let bytesOfPlace = (
        whileFinding: 3 * MemoryLayout<Float>.stride, found: MemoryLayout<Int>.stride
    )

    private func index(of weight: Plan.WeightPlan) -> Int {
        plan.operations[weight.owner].weights.firstIndex { plan.weights[$0].index == weight.index }!
    }
}
