import Foundation
import MIO

/// y = x · σ(β x), element by element, with a trained β for each element of the last axis.
/// Ramachandran, Zoph and Le, "Searching for activation functions" (2017), <https://arxiv.org/abs/1710.05941>
///
/// With s = σ(β x): dy/dx = s + β x s (1 − s), and dy/dβ = x² s (1 − s).
struct Swish: SpanLayer {
    static let className = "Swish"
    /// What each β begins with.
    let beta: Double

    init(beta: Double = 1) { self.beta = beta }

    init(config: inout ConfigReader) throws(ConfigError) {
        beta = try config.real("beta", default: 1)
    }

    var config: ConfigDictionary { ["beta": .real(beta)] }

    func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1, inputs[0].rank >= 1 else {
            throw ShapeError(expected: "one tensor of at least one axis", received: inputs)
        }
        return inputs[0]
    }

    func weights(for inputs: [Shape]) -> [WeightDescription] {
        [WeightDescription(name: "beta", shape: [inputs[0].last], initializer: .constant(beta))]
    }

    /// s of each element: forward keeps it for backward, which does not read y.
    func memory(for inputs: [Shape], output: Shape) -> LayerMemory {
        LayerMemory(kept: output.count, backwardReadsOutput: false)
    }

    func forward(_ call: borrowing SpanForward) {
        let (x, beta) = (call.input(0), call.weight(0))
        var y = call.output
        var s = call.kept
        for i in x.indices {
            s[i] = 1 / (1 + exp(-beta[i % beta.count] * x[i]))
            y[i] = x[i] * s[i]
        }
    }

    func backward(_ call: borrowing SpanBackward) {
        let (x, beta) = (call.forward.input(0), call.forward.weight(0))
        let s = call.forward.kept
        let dy = call.outputGradient
        if var dx = call.inputGradient(0) {
            for i in x.indices { dx[i] += dy[i] * (s[i] + beta[i % beta.count] * x[i] * s[i] * (1 - s[i])) }
        }
        if var dBeta = call.weightGradient(0) {
            for i in x.indices { dBeta[i % beta.count] += dy[i] * x[i] * x[i] * s[i] * (1 - s[i]) }
        }
    }
}
