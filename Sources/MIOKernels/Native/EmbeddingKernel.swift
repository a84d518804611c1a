import MIOBase
import MIOGraph
import MIOPlan

/// Rows of a table: copied forward, added to backward.
final class EmbeddingKernel: Kernel {
    private let layer: Embedding
    private let isInteger: Bool
    private var numbers: UnsafePointer<Float>
    private let table: UnsafePointer<Float>
    private let gradient: Gradient?
    private let listed: ListedGradient?
    private let output: UnsafeMutablePointer<Float>
    private let outputGradient: UnsafeMutablePointer<Float>?
    /// Numbers of one sample.
    private let count: Int

    /// The elements from which on the rows of a gradient are listed: the gradient of all would be 1 MiB in each lane. A
    /// function of the table alone, so that weights lie in one order at any number of ranks.
    static let listedElements = 1 << 18

    static func choice(_ layer: Embedding, _ request: KernelRequest) -> KernelChoice? {
        var choice = KernelChoice(
            algorithm: "copies of rows", inputLayouts: [.canonical],
            weightElements: [layer.inputDim * layer.outputDim], weightLayouts: ["canonical"],
            backwardReadsOutput: false)
        choice.listsRows = layer.inputDim.clampedTimes(layer.outputDim) >= listedElements
        return choice
    }

    init(_ layer: Embedding, _ description: KernelDescription) {
        let bindings = description.bindings
        self.layer = layer
        isInteger = description.inputElements.first == .int32
        numbers = UnsafePointer(bindings.inputs[0])
        table = UnsafePointer(bindings.weights[0])
        gradient = bindings.weightGradients[0]
        listed = bindings.rowGradients[0]
        output = bindings.output
        outputGradient = bindings.outputGradient
        count = description.inputShapes[0].count
    }

    func prepare(samples: Int) {}

    var canMoveInputs: Bool { true }

    func move(input: Int, to values: UnsafeMutablePointer<Float>) { numbers = UnsafePointer(values) }

    /// The row that a place names; `nil` if there is none such: numbers are looked at before a step.
    @inline(__always)
    private func row(_ place: Int) -> Int? {
        let number =
            isInteger
            ? Int(UnsafeRawPointer(numbers).assumingMemoryBound(to: Int32.self)[place])
            : Int(cutting: numbers[place]) ?? -1
        return number >= 0 && number < layer.inputDim ? number : nil
    }

    func forward(_ pass: Pass) {
        let width = layer.outputDim
        for place in 0..<pass.samples * count {
            let target = output + place * width
            if let row = row(place) {
                target.update(from: table + row * width, count: width)
            } else {
                target.update(repeating: .nan, count: width)
            }
        }
    }

    func backward(_ pass: Pass) {
        guard let outputGradient else { return }
        let width = layer.outputDim
        if let listed {
            if !listed.adds(in: pass) { listed.rows.clear() }
            for place in 0..<pass.samples * count {
                guard let row = row(place) else { continue }
                let (target, source) = (listed.rows.row(row), outputGradient + place * width)
                for column in 0..<width { target[column] += source[column] }
            }
            return
        }
        guard let gradient else { return }
        if !gradient.adds(in: pass) {
            gradient.pointer.update(repeating: 0, count: layer.inputDim * width)
        }
        for place in 0..<pass.samples * count {
            guard let row = row(place) else { continue }
            let (target, source) = (gradient.pointer + row * width, outputGradient + place * width)
            for column in 0..<width { target[column] += source[column] }
        }
    }

    func convert(weight: Int, stored: UnsafePointer<Float>, to canonical: UnsafeMutablePointer<Float>) {
        canonical.update(from: stored, count: layer.inputDim * layer.outputDim)
    }

    func convert(weight: Int, canonical: UnsafePointer<Float>, to stored: UnsafeMutablePointer<Float>) {
        stored.update(from: canonical, count: layer.inputDim * layer.outputDim)
    }
}
