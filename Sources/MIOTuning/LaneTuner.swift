import MIOBase
import MIOFiles
import MIOGraph
import MIOJob
import MIOKernels
import MIOMachine
import MIOPlan
import MIOTraining

/// Decides how a rank's threads share its work: rank 0 measures the candidates on made-up samples, or remembers what was
/// measured before, and all ranks do the same. With one thread there is nothing to decide, and nothing is measured.
package struct LaneTuner {
    /// The seconds that a step takes with some lanes; `nil` if it cannot be known.
    package typealias Stopwatch = (_ lanes: Lanes) throws -> Double?

    /// What the user's earlier runs have measured; `nil` for nothing.
    private let cache: TuningCache?
    /// Instead of measurements.
    private let stopwatch: Stopwatch?
    /// Whether others use the machine while it is measured.
    private let isBusy: () -> Bool

    /// - Parameters:
    ///   - cache: where measurements are remembered; `nil` for nowhere but a run's own folder.
    ///   - stopwatch: asked instead of a clock.
    package init(cache: TuningCache? = TuningCache(), stopwatch: Stopwatch? = nil) {
        self.init(cache: cache, stopwatch: stopwatch, isBusy: { MachineLoad.isHigh })
    }

    /// - Parameter isBusy: whether others use the machine: the user's cache then keeps nothing.
    package init(cache: TuningCache?, stopwatch: Stopwatch? = nil, isBusy: @escaping () -> Bool) {
        self.cache = cache
        self.stopwatch = stopwatch
        self.isBusy = isBusy
    }

    /// A decision, and what it is remembered by.
    package struct Decision: Hashable {
        package let lanes: Lanes
        /// `nil` where there was nothing to decide.
        package let key: String?
        package let machine: String?
    }

    /// The lanes of each of `worldSize` ranks. Called on one rank.
    /// - Parameters:
    ///   - threads: the most that a rank may use.
    ///   - measures: whether to measure what is not remembered.
    /// - Throws: `KernelError`, `RunError`.
    package func decide(
        _ job: Job, threads: Int, worldSize: Int, ranksOnMachine: Int, measures: Bool,
        makeBackend: @escaping (Int) throws -> any KernelBackend
    ) throws -> Decision {
        let question = Question(job, threads: threads, worldSize: worldSize, ranksOnMachine: ranksOnMachine)
        guard threads > 1, question.candidates.count > 1,
            let machine = try makeBackend(1).measuredOn
        else { return Decision(lanes: question.unmeasured, key: nil, machine: nil) }
        if let known = recall(question, machine: machine, runDirectory: job.runDirectory) {
            return Decision(lanes: known, key: question.key, machine: machine)
        }
        guard measures else { return Decision(lanes: question.unmeasured, key: nil, machine: nil) }
        let seconds: [Double?]
        if let stopwatch {
            seconds = try question.candidates.map(stopwatch)
        } else {
            seconds = try LaneMeasurement(job, question, makeBackend: makeBackend).seconds()
        }
        let lanes = Lanes.fastest(question.candidates, seconds: seconds)
        // Without the memory for a step of one thread the run is refused later, with the numbers.
        guard seconds[0] != nil else { return Decision(lanes: lanes, key: nil, machine: nil) }
        // With others on the cores, more threads look slower than they will be.
        if !isBusy() { cache?.add(lanes, for: question.key, of: machine) }
        return Decision(lanes: lanes, key: question.key, machine: machine)
    }

    /// What was measured before: in the run's folder, else in the user's cache.
    private func recall(_ question: Question, machine: String, runDirectory: String) -> Lanes? {
        for place in [TuningCache(folder: runDirectory), cache].compactMap({ $0 }) {
            if let known = place.lanes(for: question.key, of: machine), question.candidates.contains(known) {
                return known
            }
        }
        return nil
    }

    /// The lanes that a run of so many ranks on this machine would have, as far as known without measuring.
    /// - Returns: the lanes, and whether they are known: else the most there can be.
    package func forecast(_ job: Job, ranks: Int, cores: MachineCores, backend: any KernelBackend)
        -> (lanes: Lanes, isKnown: Bool)
    {
        let threads = job.training.threads ?? max(1, cores.cores / ranks)
        let question = Question(job, threads: threads, worldSize: ranks, ranksOnMachine: ranks)
        guard threads > 1, question.candidates.count > 1, let machine = backend.measuredOn else {
            return (question.unmeasured, true)
        }
        let known = recall(question, machine: machine, runDirectory: job.runDirectory)
        return (known ?? question.unmeasured, known != nil)
    }

    /// What there is to decide.
    package struct Question {
        let threads: Int
        /// The most samples of a batch that a rank has.
        let part: Int
        let ranksOnMachine: Int
        /// Of each rank, in a strict run.
        let strictShards: Int?
        package let candidates: [Lanes]
        let unmeasured: Lanes
        /// What a decision is remembered by: the model, the batch of each rank, the threads.
        let key: String

        package init(_ job: Job, threads: Int, worldSize: Int, ranksOnMachine: Int) {
            self.threads = threads
            self.ranksOnMachine = ranksOnMachine
            part = max(1, (job.training.samplesPerUpdate + worldSize - 1) / worldSize)
            strictShards =
                job.training.reproducible == .strict
                ? max(1, job.training.virtualShards / worldSize) : nil
            unmeasured = Lanes.unmeasured(threads: threads, part: part, strictShards: strictShards)
            guard threads > 1 else {
                (candidates, key) = ([.single], "")
                return
            }
            let plan = Plan(
                Replica.planRequest(graph: job.graph, outputs: job.outputs, pass: 1),
                backend: ReferenceBackend())
            candidates = Lanes.candidates(
                threads: threads, part: part, strictShards: strictShards,
                librariesShare: Self.librariesShare(plan, job.graph))
            key =
                "threads: \(threads) for \(part) samples on each of \(ranksOnMachine) ranks of a machine, "
                + (strictShards.map { "\($0) strict shards, " } ?? "")
                + "passes of \(job.training.microBatch.map(String.init) ?? "any size"), "
                + "\(job.training.precision.rawValue), \(type(of: job.optimizer).className), "
                + "\(plan.operations.count) operations, \(plan.weightElements) weights, "
                + "checksum \(CRC32.of(Array(plan.description.utf8)))"
        }

        /// Whether the model has an operation that a library shares among its threads: a convolution, or a product with
        /// more weights than mio's own loops take, which have one thread.
        private static func librariesShare(_ plan: Plan, _ graph: Graph) -> Bool {
            plan.weights.contains { $0.shape.count > 1 << 13 } || NativeBackend.sharesCalls(of: graph)
        }
    }
}
