import MIOBase
import MIOGraph

/// The numbers that a call of a layer gets: those of `samples` samples, one after another.
struct LayerValues {
    var samples: Int
    var inputs: [[Double]]
    /// Of each input; none without masks.
    var masks: [[Double]?]
    var weights: [[Double]]

    /// Numbers that follow from the layer and the shapes alone, such as 32-bit floats hold.
    init(_ layer: any Layer, _ shapes: [Shape], samples: Int, masks maskShapes: [Shape?] = []) {
        self.samples = samples
        masks = maskShapes.map { shape in
            // Steps that do not count at the beginning, in the middle and at the end, others in each sample.
            shape.map { shape in
                (0..<samples * shape.count).map { index in
                    let (sample, step) = index.quotientAndRemainder(dividingBy: shape.count)
                    return (2 * step + 3 * sample) % 5 < 2 ? 0 : 1
                }
            }
        }
        inputs = shapes.enumerated().map { input, shape in
            let name = "input \(input)"
            guard let range = layer.integerRange(ofInput: input) else {
                return Numbers.distinct(samples * shape.count, name)
            }
            return Numbers.integers(samples * shape.count, range, name)
        }
        weights = layer.weights(for: shapes).enumerated().map { index, weight in
            // Beside their initial values: zeros and ones would hide a wrong factor.
            zip(
                weight.initialValues(seed: 3, stream: index).values,
                Numbers.uniform(weight.shape.count, "weight \(index)", in: -0.25...0.25)
            ).map { Double(Float($0) + Float($1)) }
        }
    }

    /// The call on some of the samples.
    func part(_ range: Range<Int>) -> LayerValues {
        var part = self
        part.samples = range.count
        part.inputs = inputs.map { $0.samples(range, of: samples) }
        part.masks = masks.map { $0?.samples(range, of: samples) }
        return part
    }
}

extension Layer {
    /// The shapes of masks that fit inputs, one for each input of steps if they do, else for the first one; `nil` if the
    /// layer reads none, or none fits.
    func maskShapes(for inputs: [Shape]) -> [Shape?]? {
        guard readsMasks else { return nil }
        let all = inputs.map { $0.rank < 2 ? nil : Shape(Array($0.dimensions.dropLast())) }
        let first = all.indices.map { $0 == 0 ? all[0] : nil }
        return [all, first].first { masks in
            masks.contains { $0 != nil } && (try? check(masks: masks, for: inputs)) != nil
        }
    }

    /// The inputs, which hold integers where the layer reads such.
    func specs(_ inputs: [Shape]) -> [TensorSpec] {
        inputs.enumerated().map { TensorSpec($1, integerRange(ofInput: $0) == nil ? .float32 : .int32) }
    }
}
