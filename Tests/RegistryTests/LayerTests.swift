import MIOBase
import MIOConfig
import MIOGraph
import MIOKernels
import MIOPlan
import Testing

/// What every layer of `LayerRegistry` promises, on the calls of `LayerSample.samples`.
@Suite struct LayerTests {
    @Test func everyClassHasASample() {
        expectLines(
            "LayerRegistry",
            // The class of a model's inputs computes nothing. Tests of registering call their classes Test….
            registered: LayerRegistry.classNames.filter { $0 != "InputLayer" && !$0.hasPrefix("Test") },
            sampled: LayerSample.samples.map(\.className),
            line: { "LayerSample(\"\($0)\", \"{}\", [[4, 3]])" }, file: "LayerSamples.swift")
    }

    /// A call, with the steps of its inputs all counting or with masks.
    struct Case: Sendable, CustomTestStringConvertible {
        let sample: LayerSample
        let isMasked: Bool
        var testDescription: String { "\(sample.testDescription)\(isMasked ? ", masked" : "")" }

        static let all: [Case] = LayerSample.samples.flatMap { sample in
            let isMasked = (try? sample.layer())?.maskShapes(for: sample.inputs) != nil
            return [Case(sample: sample, isMasked: false)]
                + (isMasked ? [Case(sample: sample, isMasked: true)] : [])
        }

        func call() throws -> LayerCall { LayerCall(layer: try sample.layer(), shapes: sample.inputs) }

        func values(_ layer: any Layer, samples: Int) -> LayerValues {
            LayerValues(
                layer, sample.inputs, samples: samples,
                masks: isMasked ? layer.maskShapes(for: sample.inputs) ?? [] : [])
        }
    }

    @Test func everyLayerThatReadsMasksIsCalledWithOne() throws {
        // Softmax reads the mask to refuse it, as Keras does.
        for sample in LayerSample.samples
        where try sample.layer().readsMasks && sample.className != Softmax.className {
            #expect(
                Case.all.contains { $0.sample.className == sample.className && $0.isMasked },
                "\(sample.className) reads masks, and none fits its samples: add one of inputs (steps, features)"
            )
        }
    }

    /// Numbers for the gradients of the results.
    static func upstream(_ layer: any Layer, _ shapes: [Shape], samples: Int) throws -> [[Double]] {
        try layer.results(for: layer.specs(shapes)).enumerated().map {
            Numbers.uniform(samples * $1.shape.count, "upstream \($0)")
        }
    }

    // MARK: Shapes

    @Test(arguments: LayerSample.samples) func resultsAreAsDeclared(_ sample: LayerSample) throws {
        let layer = try sample.layer()
        let results = try layer.results(for: layer.specs(sample.inputs))
        #expect(results.count == layer.resultCount)
        #expect(try layer.outputShape(for: sample.inputs) == results[0].shape)
        let model = try #require(try LayerModel(layer, sample.inputs, .trained)).model
        for (index, result) in results.enumerated() {
            #expect(model.graph.shape(ofOutput: "result\(index)") == result.shape)
        }
        // Every element is written: they were no numbers.
        let values = LayerValues(layer, sample.inputs, samples: 2)
        let outcome: LayerOutcome<Float> = try LayerCall(layer: layer, shapes: sample.inputs).run(
            values, in: Float.self)
        for (output, result) in zip(outcome.outputs, results) {
            #expect(output.count == 2 * result.shape.count && output.allSatisfy { $0.isFinite })
        }
    }

    // MARK: Gradients

    /// Of L = Σ r · y, r random, over all results.
    @Test(arguments: Case.all, [true, false]) func gradientsAreDerivatives(_ test: Case, training: Bool)
        throws
    {
        var call = try test.call()
        call.context.training = training
        let values = test.values(call.layer, samples: 2)
        let upstream = try Self.upstream(call.layer, call.shapes, samples: values.samples)
        let outcome: LayerOutcome<Double> = try call.run(values, upstream: upstream, in: Double.self)
        let plainCall = call
        func loss(_ values: LayerValues) -> (value: Double, size: Double) {
            guard let outcome: LayerOutcome<Double> = try? plainCall.run(values, in: Double.self) else {
                return (.nan, 0)
            }
            var (sum, size) = (0.0, 0.0)
            for (outputs, factors) in zip(outcome.outputs, upstream) {
                for (y, r) in zip(outputs, factors) {
                    sum += y * r
                    size += (y * r).magnitude
                }
            }
            return (sum, size)
        }
        var derivatives = Derivatives()
        func compare(_ what: String, _ gradient: [Double]?, _ path: WritableKeyPath<LayerValues, [Double]>) {
            guard let gradient else { return }
            derivatives.compare(
                what, at: values[keyPath: path], gradient: gradient.map { $0 - LayerCall.before }
            ) { moved in
                var values = values
                values[keyPath: path] = moved
                return loss(values)
            }
        }
        for (index, gradient) in outcome.inputGradients.enumerated() {
            compare("input \(index)", gradient, \.inputs[index])
        }
        for (index, gradient) in outcome.weightGradients.enumerated() {
            compare("weight \(index)", gradient, \.weights[index])
        }
        derivatives.expectAgreement("backward(_:)")
    }

    /// A gradient that nobody wants is left out, and a result without a gradient counts as one whose gradient is 0.
    @Test(arguments: Case.all) func gradientsDoNotDependOnEachOther(_ test: Case) throws {
        var call = try test.call()
        let values = test.values(call.layer, samples: 3)
        let upstream = try Self.upstream(call.layer, call.shapes, samples: 3)
        let all: LayerOutcome<Float> = try call.run(values, upstream: upstream, in: Float.self)
        func expectTheSame(_ some: LayerOutcome<Float>, as all: LayerOutcome<Float>, _ what: String) {
            for (name, gradient) in some.gradients {
                let expected = all.gradients.first { $0.name == name }?.values ?? []
                #expect(gradient.isSame(as: expected), "\(what): \(name) is another one")
            }
        }
        for left in call.shapes.indices {
            call.asksForInput = { $0 != left }
            expectTheSame(
                try call.run(values, upstream: upstream, in: Float.self), as: all, "without input \(left)")
        }
        call.asksForInput = { _ in true }
        for left in values.weights.indices {
            call.asksForWeight = { $0 != left }
            expectTheSame(
                try call.run(values, upstream: upstream, in: Float.self), as: all,
                "with weight \(left) frozen"
            )
        }
        call.asksForWeight = { _ in false }
        expectTheSame(
            try call.run(values, upstream: upstream, in: Float.self), as: all, "with all weights frozen")
        call.asksForWeight = { _ in true }
        guard call.layer.resultCount > 1 else { return }
        for left in 0..<call.layer.resultCount {
            var zeroed = upstream
            zeroed[left] = [Double](repeating: 0, count: zeroed[left].count)
            let expected: LayerOutcome<Float> = try call.run(values, upstream: zeroed, in: Float.self)
            call.hasGradient = { $0 != left }
            expectTheSame(
                try call.run(values, upstream: upstream, in: Float.self), as: expected,
                "without a gradient of result \(left)")
            call.hasGradient = { _ in true }
        }
    }

    // MARK: Precision

    @Test(arguments: Case.all) func floatsAgreeWithDoubles(_ test: Case) throws {
        let call = try test.call()
        let values = test.values(call.layer, samples: 3)
        let upstream = try Self.upstream(call.layer, call.shapes, samples: 3).map { $0.floats.doubles }
        let floats: LayerOutcome<Float> = try call.run(values, upstream: upstream, in: Float.self)
        let doubles: LayerOutcome<Double> = try call.run(values, upstream: upstream, in: Double.self)
        let terms = (values.inputs + values.weights + upstream).reduce(16) { max($0, $1.count) }
        for (index, (float, double)) in zip(floats.outputs, doubles.outputs).enumerated() {
            let fault = difference(float, double, within: rounding(terms, double.largest))
            #expect(fault == nil, "result \(index): \(fault ?? "")")
        }
        for (float, double) in zip(floats.gradients, doubles.gradients) {
            let fault = difference(
                float.values, double.values, within: rounding(terms, double.values.largest))
            #expect(fault == nil, "\(float.name): \(fault ?? "")")
        }
    }

    // MARK: Kernels

    @Test(arguments: LayerSample.samples, LayerModel.Use.allCases)
    func fastKernelsAgreeWithThePlainMethods(_ sample: LayerSample, use: LayerModel.Use) throws {
        guard let model = try LayerModel(sample.layer(), sample.inputs, use) else { return }
        let plain = try model.run(ReferenceBackend())
        let fast = try model.run(NativeBackend())
        #expect(plain.tensors.map(\.name) == fast.tensors.map(\.name))
        for (expected, found) in zip(plain.tensors, fast.tensors) {
            // Both round. Over many elements the largest difference of sums of n terms is some √n roundings; each gradient
            // goes through two layers, Winograd's tiles multiply their part by 4.
            let count = Double(max(expected.values.count, 64))
            let tolerance =
                64 * Double(Float.ulpOfOne) * count.squareRoot() * max(1, expected.values.largest)
            let fault = difference(found.values, expected.values.doubles, within: tolerance)
            #expect(fault == nil, "\(expected.name): \(fault ?? "")")
        }
        #expect(fast.paddingIsZero, "a gradient is not 0 where the weight has no element")
    }

    /// A fast kernel that no sample meets is not compared.
    @Test func fastKernelsAreMet() throws {
        let backend = try NativeBackend()
        var met: Set<String> = []
        for sample in LayerSample.samples {
            let layer = try sample.layer()
            let kernels = try LayerModel.Use.allCases.flatMap {
                try LayerModel(layer, sample.inputs, $0)?.kernels(backend) ?? []
            }
            if !NativeBackend.hasKernel(for: layer) || kernels.contains(where: { $0 != .reference }) {
                met.insert(sample.className)
            }
        }
        for name in Set(LayerSample.samples.map(\.className)).subtracting(met).sorted() {
            Issue.record("\(name) has a fast kernel, and none of its samples meets it: add one that does")
        }
    }

    // MARK: Parts of a batch

    @Test(arguments: Case.all) func aPartWithoutSamplesLeavesNothing(_ test: Case) throws {
        let call = try test.call()
        let none = test.values(call.layer, samples: 1).part(0..<0)
        let upstream = try Self.upstream(call.layer, call.shapes, samples: 0)
        let outcome: LayerOutcome<Float> = try call.run(none, upstream: upstream, in: Float.self)
        #expect(outcome.outputs.allSatisfy { $0.isEmpty })
        for (name, gradient) in outcome.gradients {
            #expect(gradient.allSatisfy { Double($0) == LayerCall.before }, "\(name) is not 0")
        }
        #expect((outcome.forwardSums + outcome.backwardSums).allSatisfy { $0 == 0 })
    }

    /// Each sample alone gives what it gives among others, to the bit: nothing of one gets into another, but through the sums
    /// that the layer asks for, and random numbers follow the place in the batch.
    @Test(arguments: Case.all) func samplesDoNotMix(_ test: Case) throws {
        let call = try test.call()
        let values = test.values(call.layer, samples: 3)
        let upstream = try Self.upstream(call.layer, call.shapes, samples: 3)
        let whole: LayerOutcome<Double> = try call.run(values, upstream: upstream, in: Double.self)
        for cut in [[0..<1, 1..<2, 2..<3], [0..<2, 2..<3], [0..<0, 0..<3]] {
            let parts: [LayerOutcome<Double>] = try cut.map { range in
                var part = call
                part.context.firstSample += range.lowerBound
                part.batchSums = (whole.forwardSums, whole.backwardSums)
                return try part.run(
                    values.part(range), upstream: upstream.map { $0.samples(range, of: 3) }, in: Double.self)
            }
            for (index, output) in whole.outputs.enumerated() {
                let joined = parts.flatMap { $0.outputs[index] }
                #expect(joined.isSame(as: output), "result \(index), cut into \(cut)")
            }
            for (index, gradient) in whole.inputGradients.enumerated() {
                guard let gradient else { continue }
                let joined = parts.flatMap { $0.inputGradients[index] ?? [] }
                #expect(joined.isSame(as: gradient), "the gradient of input \(index), cut into \(cut)")
            }
            for (index, gradient) in whole.weightGradients.enumerated() {
                guard let gradient else { continue }
                expectSum(
                    of: parts.map { $0.weightGradients[index] ?? [] }, less: LayerCall.before, gradient,
                    "the gradient of weight \(index), cut into \(cut)")
            }
            expectSum(of: parts.map(\.forwardSums), whole.forwardSums, "forward's sums, cut into \(cut)")
            expectSum(of: parts.map(\.backwardSums), whole.backwardSums, "backward's sums, cut into \(cut)")
        }
    }

    /// - Parameter start: what each part began with.
    private func expectSum(
        of parts: [[Double]], less start: Double = 0, _ whole: [Double], _ what: String
    ) {
        for (index, whole) in whole.enumerated() {
            let terms = parts.map { $0[index] - start }
            let size = terms.reduce(1) { $0 + $1.magnitude }
            let sum = terms.reduce(start, +)
            #expect(
                abs(sum - whole) <= 256 * .ulpOfOne * size, "\(what), element \(index): \(sum), not \(whole)")
        }
    }

    // MARK: Random numbers

    /// A layer that draws does so by seed, step and the call's path, and by nothing else.
    @Test(arguments: LayerSample.samples) func drawsFollowSeedStepAndPath(_ sample: LayerSample) throws {
        let layer = try sample.layer()
        let values = LayerValues(layer, sample.inputs, samples: 16)
        func outputs(_ change: (inout LayerCall) -> Void) throws -> [[Float]] {
            var call = LayerCall(layer: layer, shapes: sample.inputs)
            change(&call)
            return try call.run(values, in: Float.self).outputs
        }
        let first = try outputs { _ in }
        #expect(try outputs { _ in } == first)
        let changes: [(String, (inout LayerCall) -> Void)] = [
            ("seed", { $0.context.seed += 1 }), ("step", { $0.context.step += 1 }),
            ("path", { $0.path += "_1" }),
            ("place in the batch", { $0.context.firstSample += 16 }),
        ]
        let draws = try changes.map { (name: $0.0, differs: try outputs($0.1) != first) }
        let isRandom = draws.contains(where: { $0.differs })
        #expect(
            draws.allSatisfy { $0.differs } == isRandom,
            "results depend on some of what random numbers follow, and not on all: \(draws)")
        guard isRandom else { return }
        // Evaluation draws nothing.
        #expect(
            try outputs { $0.context.training = false }
                == outputs {
                    $0.context.training = false
                    $0.path += "_1"
                })
    }

    /// A call with `training: false` computes in a training step what prediction does: nothing is dropped, no noise is added, and
    /// moving statistics stand for the batch's.
    @Test(arguments: LayerSample.samples) func callsInInferenceComputeWhatPredictionDoes(
        _ sample: LayerSample
    )
        throws
    {
        let layer = try sample.layer()
        let values = LayerValues(layer, sample.inputs, samples: 5)
        let called: LayerOutcome<Float> = try LayerCall(layer: layer.inInference, shapes: sample.inputs).run(
            values, in: Float.self)
        var prediction = LayerCall(layer: layer, shapes: sample.inputs)
        prediction.context.training = false
        #expect(called.outputs == (try prediction.run(values, in: Float.self)).outputs)
    }

    // MARK: Arguments and documentation

    @Test(arguments: LayerSample.samples) func configurationsAreReadAsTheyAreWritten(_ sample: LayerSample)
        throws
    {
        try checkConfiguration(try mapping(sample.arguments)) {
            try LayerSample.make(sample.className, $0).config
        }
        let layer = try sample.layer(["name": "other", "trainable": false])
        let read = try LayerSample.make(sample.className, layer.config)
        #expect(layer.attributes.name == "other" && !layer.attributes.trainable)
        #expect(read.weights(for: sample.inputs) == layer.weights(for: sample.inputs))
        #expect(
            try read.results(for: read.specs(sample.inputs)) == layer.results(for: layer.specs(sample.inputs))
        )
    }

    @Test(arguments: Dictionary(grouping: LayerSample.samples, by: \.className).values.map { $0[0] })
    func theyAreDocumented(_ sample: LayerSample) throws {
        let keys = try Pages.keys { _ = try sample.layer() }
        try Pages.expectSection(
            sample.className,
            keys: keys.filter { !["name", "trainable", "activity_regularizer"].contains($0) }, in: "layers.md"
        )
    }
}
