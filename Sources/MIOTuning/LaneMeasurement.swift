import MIOJob
import MIOKernels
import MIOThreads

/// Times a training step with each of the ways that a rank's threads could share it.
///
/// It is bounded: a candidate is run for a few milliseconds, or for three steps where those take longer, and steps that
/// take long have fewer samples than the training's.
package struct LaneMeasurement {
    private let job: Job
    private let question: LaneTuner.Question
    private let makeBackend: (Int) throws -> any KernelBackend

    /// The longest step that is measured, in seconds with one thread.
    private static let longestStep = 0.08
    /// After so many seconds no further candidate is begun.
    private static let longest = 4.0
    /// A block of steps lasts at least so long, and has at least one step.
    private static let blockSeconds = 0.002
    private static let blocks = 3...16
    /// Further blocks than the fewest are run within this time: a few milliseconds are easily taken by a stranger.
    private static let moreSeconds = 0.05
    private static let warmUp = 2
    /// Of several threads, until the system has given each a core of its own: new threads begin on that of their maker.
    private static let warmUpSeconds = 0.03

    package init(
        _ job: Job, _ question: LaneTuner.Question, makeBackend: @escaping (Int) throws -> any KernelBackend
    ) {
        self.job = job
        self.question = question
        self.makeBackend = makeBackend
    }

    /// Of each candidate; `nil` for those that there was no time or memory for.
    /// - Throws: `KernelError`, `RunError`.
    package func seconds() throws -> [Double?] {
        let began = MonotonicClock.seconds
        let samples = try affordableSamples()
        return try question.candidates.map { lanes in
            guard lanes == .single || MonotonicClock.seconds - began < Self.longest else { return nil }
            return try seconds(lanes, samples: samples)
        }
    }

    /// The samples of a step that are measured: the training's, unless that would take too long.
    private func affordableSamples() throws -> Int {
        let few = min(question.part, 2 * question.threads)
        guard few < question.part, let step = try step(.single, samples: few) else { return question.part }
        let seconds = min(try step.run(), try step.run())
        let all = seconds * Double(question.part) / Double(few)
        guard all > Self.longestStep else { return question.part }
        let affordable = Int(Double(question.part) * Self.longestStep / all)
        // As many for each thread.
        return max(few, affordable / question.threads * question.threads)
    }

    private func seconds(_ lanes: Lanes, samples: Int) throws -> Double? {
        guard let step = try step(lanes, samples: samples) else { return nil }
        let settled = MonotonicClock.seconds + (lanes.threads > 1 ? Self.warmUpSeconds : 0)
        var steps = 0
        while steps < Self.warmUp || MonotonicClock.seconds < settled {
            _ = try step.run()
            steps += 1
        }
        // The median of a block, for what happens now and then counts; the best of some blocks, for what others do on this
        // machine does not.
        var (least, total) = (Double.infinity, 0.0)
        for block in 0..<Self.blocks.upperBound {
            if block >= Self.blocks.lowerBound, total > Self.moreSeconds { break }
            var times: [Double] = []
            var sum = 0.0
            while sum < Self.blockSeconds {
                times.append(try step.run())
                sum += times[times.count - 1]
            }
            least = min(least, times.sorted()[times.count / 2])
            total += sum
        }
        return least
    }

    /// - Returns: `nil` where the ranks of this machine would not find the memory to train like this.
    private func step(_ lanes: Lanes, samples: Int) throws -> MadeUpStep? {
        let backend = try makeBackend(lanes.threadsEach).computing(in: job.training.precision)
        let whole = MadeUpStep.plan(
            job, backend: backend, samples: question.part, lanes: lanes.count, shards: question.strictShards,
            sharedBy: question.ranksOnMachine)
        guard (try? whole.need.verify(ranks: question.ranksOnMachine)) != nil else { return nil }
        return try MadeUpStep(
            job, backend: backend, samples: samples, lanes: lanes.count, shards: question.strictShards,
            sharedBy: question.ranksOnMachine)
    }
}
