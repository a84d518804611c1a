import MIOBase
import MIOGraph
import MIOKernels
import MIOPlan
import Testing

/// Which ways and orders a tuner takes, by times that nobody measured.
@Suite(.serialized) struct PlanTunerTests {
    // MARK: A convolution's passes

    private let ways: [ConvolutionCandidate] = [
        .blockedWinograd, .direct, .bfloat16ChannelsLast, .bfloat16Any,
    ]

    private func times(_ passes: Double..., source: Double = 0, gradient: Double = 0) -> ConvolutionTimes {
        ConvolutionTimes(
            sourceCopy: source, gradientCopy: gradient, forward: passes[0], backwardWeights: passes[1],
            backwardData: passes[2])
    }

    private func fastest(
        _ times: [ConvolutionTimes?], passes: [ConvolutionPass] = ConvolutionPass.allCases
    ) -> [ConvolutionCandidate] {
        let picks = ConvolutionTimes.fastest(ways, times, passes: passes)
        return passes.compactMap { picks[$0] }
    }

    @Test func eachPassTakesItsOwn() {
        #expect(
            fastest([times(3, 3, 3), times(2, 9, 9), times(9, 1, 9), times(9, 9, 2)])
                == [.direct, .bfloat16ChannelsLast, .bfloat16Any])
    }

    /// What it costs to get there counts, once for what two passes read.
    @Test func copiesCountOnce() {
        // Alone, no pass is worth its copies.
        let others = times(9, 9, 9)
        #expect(
            fastest([times(3, 3, 3), others, times(2, 2.5, 2, source: 1.2, gradient: 1.2), others])
                == [.blockedWinograd, .blockedWinograd, .blockedWinograd])
        // Together they are.
        #expect(
            fastest([times(3, 3, 3), others, times(1.5, 1.5, 1.5, source: 1.6, gradient: 1.6), others])
                == [.bfloat16ChannelsLast, .bfloat16ChannelsLast, .bfloat16ChannelsLast])
        // Without the kernel's gradient its copies are forward's and the input's alone.
        #expect(
            fastest(
                [times(3, 3, 3), others, times(1.5, 1.5, 1.5, source: 1.6, gradient: 1.6), others],
                passes: [.forward, .backwardData]) == [.blockedWinograd, .blockedWinograd])
        #expect(
            fastest(
                [times(3, 3, 3), others, times(1, 9, 9, source: 1), others], passes: [.forward])
                == [.bfloat16ChannelsLast])
    }

    @Test func aboutAsFastChangesNothing() {
        #expect(
            fastest([times(3, 3, 3), times(2.8, 2.8, 2.8), times(2.8, 3, 3), nil])
                == [.blockedWinograd, .blockedWinograd, .blockedWinograd])
        // What cannot be run is not taken, also where that is the usual way.
        #expect(
            fastest([nil, times(3, 3, 3), times(1, 1, 1), nil])
                == Array(repeating: .bfloat16ChannelsLast, count: 3))
        #expect(
            fastest([nil, times(3, 3, 3), times(2.8, 2.8, 2.8), nil], passes: [.forward, .backwardData])
                == [.direct, .direct])
        #expect(fastest([times(3, 3, 3), nil, nil, nil]) == Array(repeating: .blockedWinograd, count: 3))
        #expect(fastest([nil, nil, nil, nil]) == Array(repeating: .blockedWinograd, count: 3))
    }

    // MARK: The order of a segment's images

    /// Two segments: convolutions with a pooling and a sum between them, and one behind a Dense's way.
    private func model() throws -> Model {
        let image = Input("image", shape: [16, 16, 3])
        let first = Conv2D(32, kernelSize: 3, padding: .same, activation: .relu, name: "first")(image)
        let second = Conv2D(32, kernelSize: 3, padding: .same, activation: .relu, name: "second")(first)
        let pool = MaxPooling2D(poolSize: 2, name: "pool")(Add(name: "sum")([first, second]))
        let third = Conv2D(32, kernelSize: 3, activation: .relu, name: "third")(pool)
        let other = Input("other", shape: [10, 10, 16])
        let alone = Conv2D(32, kernelSize: 3, activation: .relu, name: "alone")(other)
        let joined = Concatenate(name: "joined")([Flatten(name: "a")(third), Flatten(name: "b")(alone)])
        return try Model(inputs: [image, other], outputs: [Dense(2, name: "answer")(joined)])
    }

    private func request(_ model: Model) -> PlanRequest {
        PlanRequest(
            graph: model.graph, outputs: [.init(name: "answer", absorbs: nil, trained: true)], samples: 4)
    }

    /// How each convolution's output lies.
    private func orders(_ plan: Plan) -> [String: SegmentCandidate] {
        var orders: [String: SegmentCandidate] = [:]
        for operation in plan.operations {
            guard case .layer(let layer as Conv2D, _, let choice) = operation.work else { continue }
            orders[layer.attributes.name ?? ""] = choice.outputLayout == .canonical ? .channelsLast : .blocked
        }
        return orders
    }

    /// Seconds of a plan: so many for each convolution whose images lie like this, and for each reordering.
    private func stopwatch(blocked: Double, channelsLast: [String: Double], asked: Counter) -> TuningStopwatch
    {
        TuningStopwatch(
            convolution: { _, _ in
                asked.convolutions += 1
                return self.times(1, 1, 1)
            },
            plan: { plan in
                asked.plans += 1
                return self.orders(plan).reduce(0) { sum, order in
                    sum + (order.value == .blocked ? blocked : channelsLast[order.key] ?? 9)
                }
            },
            product: { _, candidate, pass in
                asked.products += 1
                return candidate == .bfloat16 && pass == .forward ? 0.5 : 1
            })
    }

    private final class Counter {
        var convolutions = 0
        var plans = 0
        var products = 0
    }

    @Test func aSegmentIsChosenAsAWhole() throws {
        let model = try model()
        var backend = try NativeBackend(precision: .bfloat16)
        let plan = Plan(request(model), backend: backend)
        // Where a processor has no instructions for it, or no blocks, there is nothing to choose.
        guard backend.machine.contains("oneDNN"), orders(plan)["first"] == .blocked else { return }
        let asked = Counter()
        // Worse for one of the three, better for all of them.
        let watch = stopwatch(
            blocked: 1, channelsLast: ["first": 1.5, "second": 0.2, "third": 0.2], asked: asked)
        let (tuning, measured) = backend.tuning(for: request(model), known: Tuning(), stopwatch: watch)
        guard !tuning.segments.isEmpty else { return }
        #expect(measured)
        backend.tuning = tuning
        let tuned = Plan(request(model), backend: backend)
        #expect(
            orders(tuned) == [
                "first": .channelsLast, "second": .channelsLast, "third": .channelsLast, "alone": .blocked,
            ])
        // Nothing is reordered within it.
        #expect(!tuned.operations.contains { if case .reorder = $0.work { true } else { false } })
        // All ranks, and a later run, plan the same without a measurement.
        let others = Tuning(bytes: tuning.bytes)
        #expect(others == tuning && Tuning(entries: tuning.entries) == tuning)
        backend.tuning = others
        #expect(Plan(request(model), backend: backend).description == tuned.description)
        (asked.convolutions, asked.plans, asked.products) = (0, 0, 0)
        let again = backend.tuning(for: request(model), known: tuning, stopwatch: watch)
        #expect(again.tuning == tuning && !again.measured)
        #expect(asked.convolutions == 0 && asked.plans == 0 && asked.products == 0)
    }

    /// Float32's best is one of the plans that are measured: what takes as long or longer is not taken.
    @Test func neverSlowerThanBlocks() throws {
        let model = try model()
        var backend = try NativeBackend(precision: .bfloat16)
        for seconds in [0.97, 1, 2, .infinity] {
            let watch = stopwatch(
                blocked: 1,
                channelsLast: ["first": seconds, "second": seconds, "third": seconds, "alone": seconds],
                asked: Counter())
            let tuning = backend.tuning(for: request(model), known: Tuning(), stopwatch: watch).tuning
            #expect(!tuning.segments.values.contains(.channelsLast), "\(seconds)")
            backend.tuning = tuning
            let plan = Plan(request(model), backend: backend)
            backend.tuning = Tuning()
            #expect(orders(plan) == orders(Plan(request(model), backend: backend)))
        }
    }

    /// A convolution that rounds may be faster by itself and slow its neighbours down: the plan of float32 is measured as a
    /// whole, and taken as it is unless another one is faster.
    @Test(arguments: [0.9, 0.97, 1.2]) func neverSlowerThanFloat32(_ rounded: Double) throws {
        let model = try model()
        let watch = TuningStopwatch(
            convolution: { _, candidate in
                candidate.roundsFactors ? self.times(0.2, 0.2, 0.2) : self.times(1, 1, 1)
            },
            plan: { plan in self.rounds(plan) ? rounded : 1 }, product: { _, _, _ in 1 })
        func plan(_ precision: Precision) throws -> (plan: Plan, tuning: Tuning) {
            var backend = try NativeBackend(precision: precision)
            backend.tuning = Tuning(
                bytes: backend.tuning(for: request(model), known: Tuning(), stopwatch: watch).tuning.bytes)
            return (Plan(request(model), backend: backend), backend.tuning)
        }
        let (exact, half) = (try plan(.float32), try plan(.bfloat16))
        #expect(!rounds(exact.plan))
        // A processor without such instructions has no segments to choose for.
        guard !half.tuning.segments.isEmpty, rounded < 0.95 else {
            #expect(half.plan.description == exact.plan.description)
            #expect(half.tuning.segments.values.allSatisfy { $0 == .float32 })
            return
        }
        #expect(rounds(half.plan))
        #expect(!half.tuning.segments.values.contains(.channelsLast))
    }

    /// Whether a convolution of a plan multiplies numbers of bfloat16.
    private func rounds(_ plan: Plan) -> Bool {
        plan.operations.contains { operation in
            guard case .layer(is Conv2D, _, let choice) = operation.work else { return false }
            return choice.algorithm.contains("bf16")
        }
    }

    /// Keys are of what was measured: another batch or another neighbour is another segment.
    @Test func otherSegmentsAreMeasuredAgain() throws {
        let model = try model()
        let backend = try NativeBackend(precision: .bfloat16)
        let watch = stopwatch(blocked: 1, channelsLast: [:], asked: Counter())
        let known = backend.tuning(for: request(model), known: Tuning(), stopwatch: watch).tuning
        var larger = request(model)
        larger.samples = 5
        let other = backend.tuning(for: larger, known: known, stopwatch: watch)
        #expect(other.measured || known.segments.isEmpty)
        #expect(Set(other.tuning.segments.keys).isDisjoint(with: known.segments.keys))
    }

    @Test(arguments: ["a of b in segment 1 of", " ", "two\nlines", "two\r\nlines"])
    func namesWithSpacesAreKeptApart(_ name: String) throws {
        let image = Input("image", shape: [12, 12, 16])
        let a = Conv2D(32, kernelSize: 3, activation: .relu, name: name)(image)
        let b = Conv2D(32, kernelSize: 3, activation: .relu, name: "b")(Input("other", shape: [12, 12, 16]))
        _ = b
        let model = try Model(
            inputs: [image], outputs: [Dense(2, name: "answer")(Flatten(name: "flat")(a))])
        var backend = try NativeBackend(precision: .bfloat16)
        let watch = stopwatch(
            blocked: 1, channelsLast: [name: 0.1], asked: Counter())
        backend.tuning = Tuning(
            bytes: backend.tuning(for: request(model), known: Tuning(), stopwatch: watch).tuning.bytes)
        guard !backend.tuning.segments.isEmpty else { return }
        #expect(orders(Plan(request(model), backend: backend)) == [name: .channelsLast])
    }

    // MARK: Products

    @Test func eachProductTakesItsOwn() throws {
        let input = Input("input", shape: [300])
        let hidden = Dense(200, activation: .relu, name: "hidden")(input)
        let model = try Model(inputs: [input], outputs: [Dense(100, name: "answer")(hidden)])
        let watch = stopwatch(blocked: 1, channelsLast: [:], asked: Counter())
        var backend = try NativeBackend(precision: .bfloat16)
        let (tuning, measured) = backend.tuning(for: request(model), known: Tuning(), stopwatch: watch)
        guard measured else { return }
        // Forward twice, both kernels' gradients, one input's.
        #expect(tuning.products.count == 5)
        for (key, pick) in tuning.products { #expect((pick == .bfloat16) == key.hasSuffix(", forward")) }
        backend.tuning = tuning
        let algorithms = Plan(request(model), backend: backend).operations.compactMap {
            operation -> String? in
            guard case .layer(_, _, let choice) = operation.work else { return nil }
            return choice.algorithm
        }
        #expect(algorithms.allSatisfy { $0.hasSuffix(", bfloat16 forward") }, "\(algorithms)")
        // Not asked for.
        let exact = try NativeBackend()
        #expect(exact.tuning(for: request(model), known: tuning, stopwatch: watch).tuning == Tuning())
    }
}
