import MIOBase

/// A step's predicted seconds at one number of ranks, by what they are spent on.
package struct StepEstimate: Hashable, Sendable {
    package var ranks: Int
    package var machines: Int
    /// Samples of a step, on all ranks.
    package var globalBatch: Int
    /// Samples of the busiest rank.
    package var largestPart: Int
    /// Forward, losses, backward.
    package var compute: Double
    /// Summing gradients inside a machine.
    package var reduce: Double
    /// The optimizer.
    package var update: Double
    /// Gradients crossing the network, as far as computing does not hide it: for the bytes, and for the messages.
    package var transfer: Double
    package var latency: Double
    /// The small sum by which all ranks agree.
    package var control: Double

    package var seconds: Double { compute + reduce + update + transfer + latency + control }
    package var samplesPerSecond: Double { Double(globalBatch) / seconds }

    /// What takes the most time.
    package var binds: String {
        let parts = [
            ("compute", compute), ("memory", reduce + update), ("bandwidth", transfer),
            ("latency", latency + control),
        ]
        return parts.max { $0.1 < $1.1 }!.0
    }
}

/// Predictions at 1, 2, 4, … ranks, and what they come to.
package struct ScaleReport: Sendable {
    package let rows: [StepEstimate]
    private let model: StepModel
    /// A doubling of the ranks that does not make training this many times as fast is not worth it.
    package static let usefulGain = 1.2

    /// - Parameter most: the last number of ranks is the largest power of two up to this, at least 1.
    package init(_ model: StepModel, most: Int) {
        precondition(most >= 1, "\(most) ranks")
        var rows: [StepEstimate] = []
        var ranks = 1
        while ranks <= most {
            rows.append(model.predict(ranks: ranks))
            let (next, overflow) = ranks.multipliedReportingOverflow(by: 2)
            if overflow { break }
            ranks = next
        }
        self.rows = rows
        self.model = model
    }

    /// Samples per second against those of one rank, over the ranks.
    package func efficiency(_ row: StepEstimate) -> Double {
        row.samplesPerSecond / rows[0].samplesPerSecond / Double(row.ranks)
    }

    /// The last number of ranks up to which every doubling is worth it.
    package var largestUseful: StepEstimate {
        var best = rows[0]
        for row in rows.dropFirst() {
            if row.samplesPerSecond < best.samplesPerSecond * Self.usefulGain { break }
            best = row
        }
        return best
    }

    /// One sentence: how many ranks are worth having, and what stops more of them.
    package var conclusion: String {
        let useful = largestUseful
        let speed = useful.samplesPerSecond / rows[0].samplesPerSecond
        let text =
            "Up to \(useful.ranks) \(useful.ranks == 1 ? "rank is" : "ranks are") useful (\(fixedText(speed, decimals: 1)) times as fast as one)"
        guard let next = rows.first(where: { $0.ranks > useful.ranks }) else {
            return text + "; more were not looked at."
        }
        let cores = model.constants.machine.cores
        let why =
            if next.ranks > next.globalBatch {
                "no batch has more than \(counted(next.globalBatch, "sample"))"
            } else if min(next.ranks, model.layout.ranksPerNode) > cores {
                "a machine has \(counted(cores, "core")), on which its ranks take turns"
            } else {
                "of \(next.binds)"
            }
        let gain = next.samplesPerSecond / useful.samplesPerSecond
        return text
            + "; \(next.ranks) would be \(fixedText(gain, decimals: 2)) times as fast as that, because "
            + why + "."
    }

    /// What a larger pass is worth, if it is worth something where the network first counts: a rank's whole part of the
    /// batch at once has the longest backward pass to hide sums between machines behind. It takes more memory, and where
    /// the caches are small more time; so it is the user's choice.
    package var advice: String? {
        guard
            let row = rows.first(where: {
                $0.machines > 1 && $0.largestPart > model.constants.step.passSamples
            })
        else { return nil }
        var whole = model
        whole.constants.step.passSamples = row.largestPart
        let better = whole.predict(ranks: row.ranks)
        guard better.seconds < row.seconds * Self.noticeable else { return nil }
        return
            "With training.micro_batch: \(row.largestPart) a step of \(counted(row.ranks, "rank")) would take "
            + "\(durationText(better.seconds)) instead of \(durationText(row.seconds)), at more memory: sums between machines "
            + "hide behind the backward pass over all of a rank's samples, not over \(model.constants.step.passSamples) "
            + "of them."
    }

    private static let noticeable = 0.97
}
