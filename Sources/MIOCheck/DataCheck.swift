import MIOBase
import MIOBatches
import MIOData
import MIOGraph
import MIOJob
import MIOObjectives
import MIORun
import MIOTraining

/// One part of a job's data, read from the first sample to the last.
package struct DataCheck: Sendable {
    /// `train`, `validation` or `test`.
    package let key: String
    package let shards: Int
    package let samples: Int
    package let inputs: [InputCheck]
    package let targets: [TargetCheck]
    /// Of the samples of a training with this data.
    let order: SampleOrder
    /// Arrays that every rank copies when it opens the data.
    let copies: [Dataset.Copies]
    /// Floats of one sample of all columns: what a batch holds of it.
    let floatsPerSample: Int

    /// - Returns: `nil` if the data cannot be opened; `findings` then has every shard's reason.
    init?(_ key: String, _ source: DataSource, of job: Job, into findings: inout Findings) {
        let columns = ColumnMap(graph: job.graph, outputs: job.outputs)
        let specification = source.datasetRequest(of: job, key: key)
        let dataset: Dataset
        do {
            dataset = try Dataset(specification, columns: columns.requests)
            try dataset.verify()
        } catch {
            Self.collect(specification, columns.requests, first: error, into: &findings)
            return nil
        }
        let place = "data.\(key)"
        for warning in dataset.warnings { findings.warn(warning) }
        copies = dataset.copies
        self.key = key
        shards = dataset.shardCount
        samples = dataset.rowCount
        order = SampleOrder(job, dataset)
        floatsPerSample = dataset.floatsPerSample
        inputs = job.graph.inputs.indices.map { InputCheck(dataset, column: $0) }
        for (column, input) in inputs.enumerated() {
            input.judge(
                place, dataset, column: column, policy: job.training.nonFinite,
                areIntegers: dataset.columns[column].kind == .integer
                    || job.graph.integerReaders.contains { $0.input == column && $0.elements == nil },
                isScaled: job.graph.isScaled(job.graph.inputs[column].source), into: &findings)
        }
        findings.addUnfitIntegers(dataset, job.graph, place: place)
        var targets: [TargetCheck] = []
        for (output, column) in columns.targetColumns {
            guard let specification = job.outputs.first(where: { $0.name == output }),
                let shape = job.graph.shape(ofOutput: output)
            else { continue }
            let target = TargetCheck(
                dataset, column: column, output: specification, graph: job.graph, prediction: shape, key: key)
            target.judge(
                place, dataset, column: column, policy: job.training.nonFinite, into: &findings)
            targets.append(target)
        }
        self.targets = targets
    }

    /// Every shard by itself, and in a bad one every column by itself: all reasons, not the first.
    private static func collect(
        _ specification: DatasetRequest, _ requests: [ColumnRequest], first: any Error,
        into findings: inout Findings
    ) {
        let before = findings.errors.count
        let shards: [DatasetRequest]
        do { shards = try specification.shards() } catch {
            findings.add(error)
            return
        }
        for shard in shards {
            guard let joint = failure(shard, requests) else { continue }
            // What reads one column of such a file need not read the others.
            if (joint as? DataError)?.kind == .wrongDialect {
                findings.add(joint)
                continue
            }
            var isExplained = false
            for request in requests where request.role != .weight || specification.names(request) {
                guard let error = failure(shard, [request]) else { continue }
                findings.add(error)
                isExplained = true
            }
            if !isExplained { findings.add(joint) }
        }
        // What is wrong only of all shards together.
        if findings.errors.count == before { findings.add(first) }
    }

    private static func failure(_ shard: DatasetRequest, _ requests: [ColumnRequest]) -> (any Error)? {
        do {
            try Dataset(shard, columns: requests).verify()
            return nil
        } catch {
            return error
        }
    }
}

extension Graph {
    /// Whether all that reads a tensor brings it to another scale first.
    /// - Parameter moves: how many layers in a row may move its elements before that.
    fileprivate func isScaled(_ source: Source, moves: Int = 4) -> Bool {
        let readers = nodes.indices.filter { nodes[$0].inputs.contains(source) }
        return !readers.isEmpty
            && readers.allSatisfy { node in
                let layer = layer(of: node)
                if layer is Rescaling || layer is Normalization || layer is BatchNormalization { return true }
                if let operation = layer as? BinaryOperation { return operation.constant != nil }
                return moves > 0 && layer is any RearrangingLayer
                    && isScaled(Source(node: node, result: 0), moves: moves - 1)
            }
    }
}
