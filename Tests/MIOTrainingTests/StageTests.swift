import CSharedMemory
import Foundation
import MIOBase
import MIOBatches
import MIOComm
import MIOGraph
import MIOKernels
import MIOOptimizers
import MIOPlan
import MIOTraining
import Testing

/// Steps of several stages: layers that must know sums over the global batch.
@Suite(.timeLimit(.minutes(5))) struct StageTests {
    private typealias Worlds = WorldSizeTests

    /// Two branches with a normalization each, side by side, and one behind both that is called twice.
    @Sendable private static func model() throws -> Model {
        let input = Input("input", shape: [12])
        let left = BatchNormalization(momentum: 0.7, name: "left")(Dense(6, name: "first")(input))
        let right = BatchNormalization(momentum: 0.8, scale: false, name: "right")(input)
        let shared = BatchNormalization(momentum: 0.9, center: false, name: "shared")
        let trunk = Dense(9, activation: .tanh, name: "trunk")
        let joined = Dropout(0.2)(trunk(shared(Concatenate()([left, right]))))
        let again = shared(Dense(18, name: "wide")(joined))
        return try Model(
            inputs: [input],
            outputs: [
                Dense(5, activation: .softmax, name: "kind")(joined),
                Dense(4, activation: .sigmoid, name: "box")(again),
            ])
    }

    @Test(arguments: [
        (2, 2, 1, 8), (3, 3, 1, 8), (4, 4, 1, 3), (4, 2, 1, 8), (4, 1, 1, 8), (1, 1, 2, 8), (3, 3, 2, 1),
        (8, 2, 1, 5),
    ])
    func ranksDoNotChangeTheTraining(ranks: Int, groupSize: Int, lanes: Int, pass: Int) throws {
        let folder = try Worlds.writeData(labelled: Set(0..<19), missing: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for batchSize in [8, 5] {
            let alone = try Worlds.train(
                Self.model, ranks: 1, batchSize: batchSize, pass: batchSize, folder: folder)[0]
            let traces = try Worlds.train(
                Self.model, ranks: ranks, groupSize: groupSize, lanes: lanes, batchSize: batchSize,
                pass: pass,
                folder: folder)
            for trace in traces {
                #expect(trace.losses == traces[0].losses)
                #expect(trace.weights == traces[0].weights)
            }
            Worlds.expectWithinRounding(
                traces[0], alone, "\(ranks) ranks of \(lanes) lanes in groups of \(groupSize)")
        }
    }

    @Test(arguments: [(8, 8), (19, 2), (5, 3)])
    func strictShardsGiveTheSameBits(batchSize: Int, pass: Int) throws {
        let folder = try Worlds.writeData(labelled: Set(0..<19))
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func train(_ ranks: Int, _ groupSize: Int, _ lanes: Int) throws -> [Worlds.Trace] {
            try Worlds.train(
                Self.model, ranks: ranks, groupSize: groupSize, lanes: lanes, batchSize: batchSize,
                pass: pass,
                folder: folder, virtualShards: 8, between: .tree)
        }
        let alone = try train(1, 1, 1)[0]
        for (ranks, groupSize, lanes) in [
            (2, 2, 1), (4, 4, 1), (8, 8, 1), (2, 1, 1), (4, 2, 1), (8, 2, 1), (1, 1, 2), (1, 1, 8), (2, 2, 2),
            (2, 1, 4),
        ] {
            for trace in try train(ranks, groupSize, lanes) {
                let cut = "\(ranks) ranks of \(lanes) lanes in groups of \(groupSize)"
                #expect(trace.losses == alone.losses, "\(cut)")
                #expect(trace.weights == alone.weights, "\(cut)")
            }
        }
    }

    private static func plan(forwardOnly: Bool = false) throws -> Plan {
        Plan(
            Replica.planRequest(
                graph: try model().graph, outputs: Worlds.outputs(), pass: 4, forwardOnly: forwardOnly),
            backend: ReferenceBackend())
    }

    @Test func branchesShareAStage() throws {
        let plan = try Self.plan()
        let begin = plan.stages.map { stage in stage.summing.map { plan.operations[$0].name } }
        #expect(
            begin == [[], ["right", "left"], ["shared"], ["shared/call_1"]]
                || begin == [[], ["left", "right"], ["shared"], ["shared/call_1"]])
        // Σ x and Σ x² of each channel and a count; Σ dy and Σ dy · x̂.
        #expect(plan.stages.map(\.forwardSums.count) == [0, 2 * 6 + 1 + 2 * 12 + 1, 2 * 18 + 1, 2 * 18 + 1])
        #expect(plan.stages.map(\.backwardSums.count) == [0, 2 * 6 + 2 * 12, 2 * 18, 2 * 18])
        #expect(plan.operations.indices.map { $0 } == plan.stages.flatMap { Array($0.operations) })
        #expect(
            plan.weights.filter { !$0.trainable }.map(\.name).sorted() == [
                "left/moving_mean", "left/moving_variance", "right/moving_mean", "right/moving_variance",
                "shared/moving_mean", "shared/moving_variance",
            ])
    }

    @Test func evaluationHasOneStage() throws {
        let plan = try Self.plan(forwardOnly: true)
        #expect(plan.stages.count == 1)
        #expect(plan.batchSumCount == 0)
    }

    /// It does as in evaluation, and nothing moves its averages.
    @Test func aNormalizationThatIsNotTrainedHasNoStage() throws {
        let input = Input("input", shape: [12])
        let frozen = BatchNormalization(name: "frozen", trainable: false)(input)
        let model = try Model(
            inputs: [input],
            outputs: [
                Dense(5, activation: .softmax, name: "kind")(frozen),
                Dense(4, activation: .sigmoid, name: "box")(frozen),
            ])
        #expect(
            Plan(
                Replica.planRequest(graph: model.graph, outputs: Worlds.outputs(), pass: 4),
                backend: ReferenceBackend()
            ).stages.count == 1)
        let folder = try Worlds.writeData(labelled: Set(0..<19))
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let trace = try Worlds.train({ model }, ranks: 2, batchSize: 8, pass: 8, folder: folder)[0]
        let names = model.graph.weights.map(\.name)
        #expect(Set(trace.weights[names.firstIndex(of: "frozen/moving_mean")!]) == [0])
        #expect(Set(trace.weights[names.firstIndex(of: "frozen/moving_variance")!]) == [1])
        #expect(Set(trace.weights[names.firstIndex(of: "frozen/gamma")!]) == [1])
    }

    /// The replica of one rank, and its step.
    /// - Parameter part: samples of the rank.
    private static func step(
        of part: Int, _ communicator: any Communicator, marks: StepMarks? = nil
    ) throws -> (Replica, TrainingStep) {
        let graph = try model().graph
        let plan = Plan(
            Replica.planRequest(graph: graph, outputs: Worlds.outputs(), pass: 2),
            backend: ReferenceBackend())
        let optimizer = Adam(options: OptimizerOptions(learningRate: Constant(0.01)))
        let memory = try TrainingMemory(
            plan: plan, graph: graph, outputs: Worlds.outputs(), optimizer: optimizer,
            communicator: communicator)
        let replica = try Replica(
            graph: graph, outputs: Worlds.outputs(), backend: ReferenceBackend(), plan: plan, part: part,
            memory: memory)
        try replica.prepare(shardSizes: [part])
        replica.initializeWeights(seed: 3)
        let step = TrainingStep(
            replica: replica,
            optimizer: OptimizerState(optimizer, plan: plan, memory: memory, communicator: communicator),
            memory: memory, communicator: communicator, seed: 1, marks: marks)
        return (replica, step)
    }

    /// A rank that waits for the others' part of a sum says so, and how many buckets it has completed.
    @Test func aRankThatWaitsForSumsSaysSo() throws {
        nonisolated(unsafe) let words = UnsafeMutablePointer<UInt64>.allocate(capacity: 4)
        words.initialize(repeating: 0, count: 4)
        defer { words.deallocate() }
        let buckets = try InProcessCommunicator.run(worldSize: 2) { communicator in
            let own = words + 2 * communicator.rank
            let (replica, step) = try Self.step(
                of: 2, communicator, marks: StepMarks(buckets: own, waits: own + 1))
            let batch = Batch(columns: replica.columns.requests, samples: 2) {
                $0.role == .weight ? 1 : $0.kind == .classIndex ? 2 : 0.5
            }
            _ = try step.begin(batch)
            if communicator.rank == 1 {
                // Rank 0 can go no further than its first sum.
                while mio_load_acquire(words + 1) == 0 { usleep(1000) }
                usleep(20_000)
                #expect(mio_load_acquire(words + 1) == 1)
                #expect(mio_load_acquire(words) == 0)
            }
            _ = try step.run(batch, step: 0, following: { nil }, signals: { .init() })
            return replica.plan.buckets.count
        }
        #expect([words[0], words[2]] == buckets.map { UInt64($0) })
        #expect([words[1], words[3]] == [0, 0])
    }

    /// What is not finite reaches all samples by way of the sums: the step does not count, the averages stay, and the
    /// sample that it came from is found, by its rank alone.
    @Test(arguments: [1, 3]) func aSkippedStepMovesNoAverage(ranks: Int) throws {
        _ = try InProcessCommunicator.run(worldSize: ranks) { communicator in
            let part = (6 + ranks - 1) / ranks
            let (replica, step) = try Self.step(of: part, communicator)
            let bad = communicator.rank == ranks - 1
            func batch(_ isBad: Bool) -> Batch {
                var random = PhiloxSequence(seed: 9, stream: UInt64(communicator.rank))
                var number = 0
                return Batch(columns: replica.columns.requests, samples: part) { column in
                    defer { number += 1 }
                    if column.role == .weight { return 1 }
                    if column.kind == .classIndex { return 2 }
                    // The second sample's first number.
                    return isBad && column.name == "input" && number == 12
                        ? .infinity : random.nextUniform(-1, 1)
                }
            }
            let (first, second) = (batch(false), batch(bad))
            #expect(try step.begin(first) == nil)
            let before = replica.canonicalWeights()
            var report = try step.run(first, step: 0, following: { second }, signals: { .init() })
            #expect(report.nonFinite == .none)
            let moved = replica.canonicalWeights()
            #expect(zip(before, moved).allSatisfy { $0.tensor.values != $1.tensor.values })
            report = try step.run(second, step: 1, following: { nil }, signals: { .init() })
            #expect(report.nonFinite == .found)
            #expect(
                zip(moved, replica.canonicalWeights()).allSatisfy { $0.tensor.values == $1.tensor.values })
            guard bad else { return }
            #expect(step.firstNonFiniteLoss(second, step: 1)?.sample == 1)
        }
    }
}
