import MIOBase
import MIOGraph

/// Writes which positions count, 1 or 0, from the model's inputs that a mask depends on.
final class MaskKernel: Kernel {
    private let mask: Mask
    private let elements: Int
    private let bindings: Bindings
    /// Of each input of the mask, in ascending order of the model's inputs.
    private let inputs: [MaskInput]

    /// - Parameter inputs: what is known of the inputs that the mask depends on, in their order.
    init(_ mask: Mask, inputs: [TensorSpec], bindings: Bindings) {
        self.mask = mask
        self.bindings = bindings
        let specs = Dictionary(uniqueKeysWithValues: zip(mask.inputs, inputs))
        elements = mask.shape { specs[$0]!.shape }.count
        self.inputs = zip(mask.inputs, zip(inputs, bindings.inputs)).map {
            MaskInput(number: $0, spec: $1.0, values: UnsafePointer($1.1))
        }
    }

    func prepare(samples: Int) {}

    func forward(_ pass: Pass) {
        mask.write(samples: pass.samples, positions: elements, inputs: inputs, to: bindings.output)
    }

    func backward(_ pass: Pass) {}

    func convert(weight: Int, stored: UnsafePointer<Float>, to canonical: UnsafeMutablePointer<Float>) {}
    func convert(weight: Int, canonical: UnsafePointer<Float>, to stored: UnsafeMutablePointer<Float>) {}
}
