import MIOBase
import MIOConfig
import MIOOptimizers
import Testing

/// An optimizer with arguments.
struct OptimizerSample: Sendable, CustomTestStringConvertible {
    let className: String
    let arguments: String

    /// - Parameter arguments: as a job file has them, without what all optimizers have.
    init(_ className: String, _ arguments: String) {
        self.className = className
        self.arguments = arguments
    }

    var testDescription: String { "\(className) \(arguments)" }

    /// A line or more for each class of `OptimizerRegistry`.
    static let samples = [
        OptimizerSample("Adam", "{beta_1: 0.8, beta_2: 0.9}"),
        OptimizerSample("Adam", "{epsilon: 0.001, amsgrad: true}"),
        OptimizerSample("AdamW", "{beta_1: 0.8}"),
        OptimizerSample("Adadelta", "{rho: 0.9}"),
        OptimizerSample("Adagrad", "{}"),
        OptimizerSample("Adamax", "{beta_1: 0.8}"),
        OptimizerSample("Ftrl", "{l1_regularization_strength: 0.1}"),
        OptimizerSample("Lion", "{}"),
        OptimizerSample("Nadam", "{}"),
        OptimizerSample("RMSprop", "{}"),
        OptimizerSample("RMSprop", "{momentum: 0.9, centered: true}"),
        OptimizerSample("SGD", "{}"),
        OptimizerSample("SGD", "{momentum: 0.9}"),
        OptimizerSample("SGD", "{momentum: 0.8, nesterov: true}"),
    ]

    /// What all optimizers can be told: nothing; much at once.
    static let options = [
        "{learning_rate: 0.01}",
        "{learning_rate: {class: CosineDecay, initial_learning_rate: 0.02, decay_steps: 9}, weight_decay: 0.1, clipvalue: 0.5}",
    ]

    func entries(_ options: String) throws -> ConfigDictionary {
        var entries = try named(className, arguments).asMapping
        for (key, value) in try mapping(options).entries { entries[key] = value }
        return entries
    }

    func optimizer(_ options: String) throws -> any Optimizer {
        try OptimizerRegistry.read(.dictionary(try entries(options)), at: example)
    }
}

/// What training keeps for a range of weights: weights, slots, and the number of steps.
private struct Weights<T: Scalar> {
    var values: [T]
    var slots: [[T]]
    var step = 0

    init(_ values: [T], _ optimizer: any Optimizer) {
        self.values = values
        slots = optimizer.firstSlotValues.map { [T](repeating: T($0), count: values.count) }
    }

    /// One step on the whole, or on parts of it one after another.
    mutating func train(
        _ optimizer: any Optimizer, _ gradient: [T], scale: Double = 1, fast: Bool = false,
        parts: [Range<Int>]? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let (weights, memory, gradients) = (Memory(values), slots.map { Memory($0) }, Memory(gradient))
        let scalars = optimizer.makeUpdate(step: step)
        for part in parts ?? [0..<values.count] {
            let pointers = memory.map { $0.pointer + part.lowerBound }
            let range = ParameterRange(
                count: part.count, weights: weights.pointer + part.lowerBound,
                gradient: gradients.reading + part.lowerBound,
                slots: SlotPointers(pointers.first, pointers.dropFirst().first, pointers.dropFirst(2).first),
                gradientScale: scale)
            if fast, let range = range as? ParameterRange<Float> {
                optimizer.updateNative(range, with: scalars)
            } else {
                optimizer.update(range, with: scalars)
            }
        }
        #expect(
            weights.isIntact && memory.allSatisfy { $0.isIntact } && gradients.values.isSame(as: gradient),
            "an update writes beside its range, or into the gradient", sourceLocation: sourceLocation)
        values = weights.values
        slots = memory.map(\.values)
        step += 1
    }

    func isSame(as other: Weights<T>) -> Bool {
        values.isSame(as: other.values) && zip(slots, other.slots).allSatisfy { $0.isSame(as: $1) }
    }
}

/// What every optimizer of `OptimizerRegistry` promises.
@Suite struct OptimizerTests {
    @Test func everyClassHasASample() {
        expectLines(
            "OptimizerRegistry", registered: OptimizerRegistry.all,
            sampled: OptimizerSample.samples.map(\.className), line: { "OptimizerSample(\"\($0)\", \"{}\")" },
            file: "OptimizerTests.swift")
    }

    /// Gradients over many magnitudes, zeros among them.
    private func gradient(_ count: Int, _ step: Int) -> [Float] {
        Numbers.uniform(count, "gradient of step \(step)", in: -1...1).enumerated().map { index, value in
            index % 17 == 0 ? 0 : Float(value) * Float(sign: .plus, exponent: index % 40 - 30, significand: 1)
        }
    }

    private func start(_ count: Int) -> [Float] { Numbers.uniform(count, "weights", in: -1...1).floats }

    /// To the same bits: neither contracts nor reorders. 10,003 elements leave a tail after any vector, ranges that begin at 1
    /// and 3 are off every alignment.
    @Test(arguments: OptimizerSample.samples, OptimizerSample.options)
    func theFastMethodGivesTheSameBits(_ sample: OptimizerSample, options: String) throws {
        let optimizer = try sample.optimizer(options)
        for (count, offset) in [(0, 0), (1, 0), (15, 0), (16, 0), (10_003, 0), (10_003, 1), (1_003, 3)] {
            let start = start(count)
            var (plain, fast) = (Weights(start, optimizer), Weights(start, optimizer))
            for step in 0..<3 {
                let (gradient, scale) = (gradient(count, step), step == 0 ? 1 : 0.37)
                plain.train(optimizer, gradient, scale: scale, parts: [offset..<count])
                fast.train(optimizer, gradient, scale: scale, fast: true, parts: [offset..<count])
                #expect(fast.isSame(as: plain), "\(count) weights from \(offset), step \(step)")
            }
            #expect(plain.values.allSatisfy { $0.isFinite })
            #expect(count < 15 || plain.values != start, "nothing has changed")
            #expect(plain.values.prefix(offset) == start.prefix(offset), "others have changed")
        }
    }

    /// Ranks and threads update parts of the weights.
    @Test(arguments: OptimizerSample.samples, OptimizerSample.options)
    func partsGiveTheSameBits(_ sample: OptimizerSample, options: String) throws {
        let optimizer = try sample.optimizer(options)
        let count = 203
        for fast in [false, true] {
            var (whole, cut) = (Weights(start(count), optimizer), Weights(start(count), optimizer))
            for step in 0..<3 {
                whole.train(optimizer, gradient(count, step), fast: fast)
                cut.train(
                    optimizer, gradient(count, step), fast: fast, parts: [67..<203, 0..<1, 3..<3, 1..<67])
            }
            #expect(cut.isSame(as: whole))
        }
    }

    /// Weights, slots and the number of steps are all that there is: a run goes on from them as if it had not stopped.
    @Test(arguments: OptimizerSample.samples, OptimizerSample.options)
    func theStateIsAllThatCounts(_ sample: OptimizerSample, options: String) throws {
        let first = try sample.optimizer(options)
        var whole = Weights(start(50), first)
        for step in 0..<3 { whole.train(first, gradient(50, step)) }
        // An optimizer of its own, read from what the first one writes.
        let second = try OptimizerRegistry.read(first.config, at: example)
        #expect(second.slotNames == first.slotNames && Set(first.slotNames).count == first.slotNames.count)
        var continued = Weights(whole.values, second)
        continued.slots = whole.slots
        continued.step = whole.step
        for step in 3..<6 {
            whole.train(first, gradient(50, step))
            continued.train(second, gradient(50, step))
        }
        #expect(continued.isSame(as: whole))
        for (name, slot) in zip(first.slotNames, whole.slots) {
            #expect(slot.contains { $0 != 0 }, "the slot \(name) is never written")
        }
    }

    @Test(arguments: OptimizerSample.samples, OptimizerSample.options)
    func floatsAgreeWithDoubles(_ sample: OptimizerSample, options: String) throws {
        let optimizer = try sample.optimizer(options)
        var floats = Weights(start(100), optimizer)
        var doubles = Weights(start(100).doubles, optimizer)
        for step in 0..<3 {
            // Of one magnitude: a gradient's share in a moment is rounded as the moment is.
            let gradient = Numbers.uniform(100, "gradient \(step)", in: 0.1...1).floats
            floats.train(optimizer, gradient)
            doubles.train(optimizer, gradient.doubles)
        }
        let fault = difference(floats.values, doubles.values, within: rounding(16, 1))
        #expect(fault == nil, "\(fault ?? "")")
    }

    /// ½ · |w|², whose gradient is w, becomes less, and from each side.
    @Test(arguments: OptimizerSample.samples) func itWalksDownhill(_ sample: OptimizerSample) throws {
        let optimizer = try sample.optimizer(OptimizerSample.options[0])
        var weights = Weights([2, -2, 1, -0.5], optimizer)
        let before = weights.values
        for _ in 0..<20 { weights.train(optimizer, weights.values) }
        for (now, before) in zip(weights.values, before) {
            #expect(abs(now) < abs(before), "\(before) became \(now)")
        }
    }

    /// What is no number must reach the weights, where the run sees it.
    @Test(arguments: OptimizerSample.samples, [false, true])
    func whatIsNoNumberIsNotHidden(_ sample: OptimizerSample, fast: Bool) throws {
        let optimizer = try sample.optimizer(OptimizerSample.options[1])
        var weights = Weights<Float>([1, 1, 1], optimizer)
        weights.train(optimizer, [0.5, .nan, 0.5], fast: fast)
        #expect(weights.values.map(\.isNaN) == [false, true, false])
    }

    // MARK: Arguments and documentation

    @Test(
        arguments: OptimizerSample.samples,
        OptimizerSample.options + ["{clipnorm: 1.5}", "{global_clipnorm: 2}"])
    func configurationsAreReadAsTheyAreWritten(_ sample: OptimizerSample, options: String) throws {
        try checkConfiguration(try sample.entries(options)) {
            try OptimizerRegistry.read(.dictionary($0), at: example).config.asMapping
        }
        let type = type(of: try sample.optimizer("{}"))
        for name in type.names + [type.className] {
            #expect(
                try OptimizerRegistry.read(.string(name), at: example).config.asMapping["class"]
                    == .string(sample.className))
        }
    }

    @Test(arguments: OptimizerSample.samples) func theyAreDocumented(_ sample: OptimizerSample) throws {
        let keys = try Pages.keys { _ = try sample.optimizer("{}") }
        try Pages.expectSection(sample.className, keys: keys.filter { $0 != "class" }, in: "optimizers.md")
    }
}
