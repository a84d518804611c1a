import Foundation
import MIOBase
import MIOJob
import MIOObjectives

extension JobCheck {
    /// For a person: what is there, what a run would take, then warnings, then errors.
    package var report: String {
        var lines = modelLines
        for part in data { lines += [""] + part.lines(of: job) }
        lines += [""] + trainingLines
        let (errors, warnings) = (findings.errors, findings.warnings)
        if !errors.isEmpty || !warnings.isEmpty { lines.append("") }
        lines += warnings.map { "warning: \($0)" } + errors.map { "error: \($0.message)" }
        lines += ["", "\(counted(errors.count, "error")), \(counted(warnings.count, "warning"))"]
        return lines.joined(separator: "\n")
    }

    private var modelLines: [String] {
        let graph = job.graph
        func terminals(_ names: [(String, Shape)]) -> String {
            listed(names.map { "\(shown: $0.0) \($0.1)" }, most: 40)
        }
        let inputs = graph.inputs.map { ($0.name, graph.nodes[$0.node].shape) }
        let count = graph.weights.reduce(0) { $0 + $1.shape.count }
        var lines = [
            entry("job", job.name.shown()), entry("inputs", terminals(inputs)),
            entry(
                "model",
                "\(counted(count, "parameter")), \(byteText(count * MemoryLayout<Float>.size)); see mio summary"
            ),
        ]
        for (index, output) in graph.outputs.enumerated() {
            let specification = job.outputs.first { $0.name == output.name }
            let purpose = specification.map { specification in
                let metrics = (specification.metrics + specification.weightedMetrics).map(\.name)
                return type(of: specification.loss).className + ", weight \(shortText(specification.weight))"
                    + (metrics.isEmpty ? "" : ", metrics " + listed(metrics))
                    + (specification.missingValue.map { ", \(numberText(Float($0))) means missing" } ?? "")
            }
            lines.append(
                entry(
                    index == 0 ? "outputs" : "",
                    "\(shown: output.name) \(graph.nodes[output.node].shape): \(purpose ?? "no loss")"))
        }
        return lines
    }

    private func threads(of resources: ResourceCheck) -> String {
        guard resources.lanesAreKnown else {
            return "up to \(counted(resources.threadsPerRank, "thread")) (a run measures first how many are "
                + "fastest, and how they share the work)"
        }
        guard resources.lanes.threadsEach > 1 else { return counted(resources.threadsPerRank, "thread") }
        return "\(counted(resources.threadsPerRank, "thread")) in \(counted(resources.lanes.count, "lane"))"
    }

    private var trainingLines: [String] {
        var lines: [String] = []
        if let resources {
            let epochs = job.training.epochs
            let memory = resources.memory
            let (steps, overflow) = epochs.multipliedReportingOverflow(by: resources.batchesPerEpoch)
            lines += [
                entry(
                    "training",
                    "\(counted(epochs, "epoch")) of \(counted(resources.batchesPerEpoch, "step")) of "
                        + counted(job.training.batchSize, "sample")
                        + (overflow ? "" : ": \(counted(steps, "step"))")),
                entry(
                    "ranks",
                    "\(resources.ranks), each \(threads(of: resources)), on "
                        + "\(counted(resources.cores.cores, "core"))"
                        + (resources.cores.threads > resources.cores.cores
                            ? " with \(counted(resources.cores.threads, "thread"))" : "")),
                entry(
                    "",
                    "up to \(counted(resources.largestPart, "sample")) of a batch each, "
                        + "\(resources.samplesAPass) through the model at a time"),
                entry(
                    "memory",
                    "about \(byteText(memory.shared)) that all ranks share: weights "
                        + "\(byteText(memory.weights)), optimizer \(byteText(memory.optimizer));"),
                entry(
                    "",
                    "\(byteText(memory.ofRank)) a rank: gradients \(byteText(memory.gradients)),"
                ),
                entry(
                    "",
                    "values between layers \(byteText(memory.values)), batches \(byteText(memory.batches))"
                ),
                entry(
                    "",
                    "rank 0 also \(byteText(memory.checkpoint)) for checkpoints; the program itself extra"),
                entry(
                    "checkpoints",
                    "\(byteText(memory.checkpoint)) each; kept are \(job.checkpoints.keep.text)"
                        + (runDirectory.freeBytes.map { "; \(byteText($0)) free" } ?? "")),
            ]
        }
        lines.append(entry("writes to", runDirectory.path))
        let start =
            switch runDirectory.start {
            case .beginning: "from the beginning: there is no checkpoint to continue from"
            case .startingOver(let count):
                "from the beginning, as asked for"
                    + (count == 0 ? "" : ": \(counted(count, "checkpoint")) would be removed")
            case .checkpoint(let position):
                "continues from \(position.checkpoint): step \(position.step), "
                    + "\(counted(position.epoch, "epoch")) done"
            case .refused(let path): "not from \(path), see below"
            }
        lines.append(entry("start", start))
        return lines
    }
}

extension DataCheck {
    fileprivate func lines(of job: Job) -> [String] {
        var lines = [entry("data.\(key)", "\(counted(samples, "sample")) in \(counted(shards, "shard"))")]
        lines += inputs.map { entry("  \(shown: $0.name)", "\($0.shape), \($0.statistics.range)") }
        for target in targets {
            let labels = target.labels
            let share = labels.positions == 0 ? 0 : 100 * Double(labels.labelled) / Double(labels.positions)
            lines.append(
                entry(
                    "  \(shown: target.name)",
                    "\(labels.labelled) of \(labels.positions) labelled (\(shortText(share)) %)"
                        + (labels.classCounts.isEmpty ? ", \(labels.range)" : "")))
            if let missing = target.advice.missing(labels) {
                lines.append(entry("", missing))
            }
            if !labels.classCounts.isEmpty {
                let names = job.outputs.first { $0.name == target.name }?.classes?.names
                let shown = labels.classCounts.prefix(20).enumerated().map { number, count in
                    "\(shown: names.flatMap { number < $0.count ? $0[number] : nil } ?? "\(number)"): \(count)"
                }
                let rest = labels.classCounts.count - shown.count
                lines.append(
                    entry(
                        "",
                        "classes " + shown.joined(separator: ", ") + (rest > 0 ? ", and \(rest) more" : "")))
            }
            if let weights = target.weights { lines.append(entry("", "sample weights, \(weights.range)")) }
        }
        lines += copies.map { copies in
            let order = copies.reason == .fortranOrder ? "Fortran (column-major) order" : "big-endian order"
            return entry(
                "  \(shown: copies.column)",
                "in \(order): every rank copies it, \(byteText(copies.byteCount)), when it starts")
        }
        return lines
    }
}

extension ValueStatistics {
    fileprivate var range: String { rangeText(count, minimum, maximum, mean) }
}

extension LabelSurvey {
    fileprivate var range: String { rangeText(labels, smallest, largest, mean) }
}

private func rangeText(_ count: Int, _ minimum: Float, _ maximum: Float, _ mean: Double) -> String {
    count == 0
        ? "no finite value"
        : "from \(shortText(Double(minimum))) to \(shortText(Double(maximum))), mean \(shortText(mean))"
}

/// A line of the report: what it is about, then what is known.
private func entry(_ title: String, _ text: String) -> String {
    let width = 16
    return title + String(repeating: " ", count: max(1, width - title.count)) + text
}
