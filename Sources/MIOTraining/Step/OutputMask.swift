import MIOBase
import MIOBatches
import MIOGraph

/// Which positions of an output are masked: they have no label, whatever the data says. A function of the batch's inputs,
/// so that labels can be counted before a step.
final class OutputMask {
    private let mask: Mask
    /// Of one sample.
    private let positions: Int
    private var inputs: [MaskInput]
    /// (samples, positions)
    private let values: Storage<Float>

    /// - Parameters:
    ///   - source: the output's tensor.
    ///   - part: the most samples of a batch that this rank has.
    /// - Returns: `nil` if every position counts.
    init?(_ graph: Graph, _ source: Graph.Source, part: Int) {
        guard let mask = graph.mask(of: source) else { return nil }
        self.mask = mask
        positions = mask.shape { graph.spec(of: graph.inputs[$0].source).shape }.count
        values = Storage(count: part * positions)
        let unused = UnsafePointer(values.pointer)
        inputs = mask.inputs.map {
            MaskInput(number: $0, spec: graph.spec(of: graph.inputs[$0].source), values: unused)
        }
    }

    /// Takes the labels from masked positions of some samples.
    /// - Parameters:
    ///   - positionsPerSample: of the output; a position of the mask is as many of them that follow each other.
    ///   - labelled: (samples, positions of the output): a `LabelMark` each.
    func apply(
        _ samples: Range<Int>, of batch: Batch, _ columns: ColumnMap, positionsPerSample: Int,
        to labelled: UnsafeMutablePointer<UInt8>
    ) {
        for index in inputs.indices {
            let (number, spec) = (inputs[index].number, inputs[index].spec)
            inputs[index] = MaskInput(
                number: number, spec: spec,
                values: UnsafePointer(batch.values(ofColumn: columns.inputs[number]))
                    + samples.lowerBound * spec.shape.count)
        }
        mask.write(samples: samples.count, positions: positions, inputs: inputs, to: values.pointer)
        let each = positionsPerSample / max(positions, 1)
        let values = values.pointer
        for position in 0..<samples.count * positions where values[position] == 0 {
            (labelled + position * each).update(repeating: 0, count: each)
        }
    }
}
