import MIOPlan

/// Finds the fastest way for each convolution and each large product of a plan, and the order of its images.
///
/// A convolution's ways are measured one by one. How images lie is not a matter of one convolution: a segment of the plan is
/// measured as a whole, with its poolings and sums and what its ends cost, in each order with the ways that are fastest
/// there; so bfloat16, which likes its channels last, is not converted for at each layer, and float32's best, Winograd in
/// blocks, is what it has to beat.
struct PlanTuner {
    private let backend: NativeBackend
    private let request: PlanRequest
    private let stopwatch: TuningStopwatch?
    /// What is known, and what was found.
    private var all: Tuning
    private(set) var hasMeasured = false

    /// More segments than these are chosen for together: each is measured in a step of the whole model.
    private static let mostSegments = 4

    init(_ backend: NativeBackend, _ request: PlanRequest, known: Tuning, _ stopwatch: TuningStopwatch?) {
        var untuned = backend
        untuned.tuning = Tuning()
        self.backend = untuned
        self.request = request
        self.stopwatch = stopwatch
        all = known
    }

    /// - Returns: the entries that the plan uses, no others.
    mutating func run() -> Tuning {
        let segments = segments()
        var orders = segments.map { segment in
            let known = segment.keys.map { all.order($0) }
            return known.allSatisfy { $0 == known[0] } ? known[0] : nil
        }
        let unknown = orders.indices.filter { orders[$0] == nil }
        if !unknown.isEmpty {
            hasMeasured = true
            for index in unknown { orders[index] = .blocked }
            var least = seconds(segments, orders)
            let groups = unknown.count <= Self.mostSegments ? unknown.map { [$0] } : [unknown]
            for group in groups {
                var others = orders
                for index in group { others[index] = .channelsLast }
                let time = seconds(segments, others)
                // About equal: in blocks, as float32 has them.
                if time < least * 0.95 { (orders, least) = (others, time) }
            }
        }
        return tuned(segments, orders)
    }

    /// Where there is a choice: oneDNN's float32 has its Winograd in blocks, and mio's own.
    private func segments() -> [ImageSegment] {
        guard backend.precision == .bfloat16, backend.engine.hasBFloat16 else { return [] }
        let plan = Plan(request, backend: backend)
        return ImageSegment.all(in: plan) { operation in
            Convolution.Request(operation, in: plan).map { key($0, plan) }
        }
    }

    private func key(_ request: Convolution.Request, _ plan: Plan) -> String {
        request.key(
            backend.engine, samples: plan.samples, threads: backend.threads, precision: backend.precision)
    }

    /// Of a pass of the whole plan, forward and backward.
    private mutating func seconds(_ segments: [ImageSegment], _ orders: [ImageOrder?]) -> Double {
        var backend = backend
        backend.tuning = tuned(segments, orders)
        let plan = Plan(request, backend: backend)
        if let stopwatch { return stopwatch.plan(plan) ?? .infinity }
        return backend.measure(plan, request) ?? .infinity
    }

    /// The fastest way of all that is in the plan with images in these orders.
    private mutating func tuned(_ segments: [ImageSegment], _ orders: [ImageOrder?]) -> Tuning {
        var result = Tuning()
        for (segment, order) in zip(segments, orders) {
            for key in segment.keys {
                result.set(order ?? .blocked, key)
                all.set(order ?? .blocked, key)
            }
        }
        var ordered = backend
        ordered.tuning = result
        let plan = Plan(request, backend: ordered)
        for operation in plan.operations {
            if let request = Convolution.Request(operation, in: plan) {
                tune(request, plan, into: &result)
            } else if let product = DenseProducts(operation, in: plan) {
                tune(product, into: &result)
            }
        }
        return result
    }

    private mutating func tune(_ request: Convolution.Request, _ plan: Plan, into result: inout Tuning) {
        let candidates = request.candidates(
            backend.engine, threads: backend.threads, precision: backend.precision)
        guard candidates.count > 1 else { return }
        let key = key(request, plan)
        let passes = ConvolutionPass.needed(
            trainsWeights: request.trainsWeights, needsInputGradient: request.needsInputGradient)
        if passes.contains(where: { all.pick(key, $0) == nil }) {
            hasMeasured = true
            let times = candidates.map { candidate in
                if let stopwatch { return stopwatch.convolution(key, candidate) }
                return backend.measure(request, candidate, samples: plan.samples)
            }
            for (pass, pick) in ConvolutionTimes.fastest(candidates, times, passes: passes) {
                all.set(pick, key, pass)
            }
        }
        for pass in passes { if let pick = all.pick(key, pass) { result.set(pick, key, pass) } }
    }

    private mutating func tune(_ product: DenseProducts, into result: inout Tuning) {
        guard product.candidates(backend.engine, backend.precision).count > 1 else { return }
        let key = product.key(threads: backend.threads)
        for pass in product.passes {
            if all.product(key, pass) == nil {
                hasMeasured = true
                let seconds = ProductCandidate.allCases.map { candidate -> Double in
                    if let stopwatch { return stopwatch.product(key, candidate, pass) ?? .infinity }
                    return backend.measure(product, candidate, pass) ?? .infinity
                }
                // The first is float32.
                all.set(seconds[1] < seconds[0] * 0.9 ? .bfloat16 : .float32, key, pass)
            }
            if let pick = all.product(key, pass) { result.set(pick, key, pass) }
        }
    }
}

/// Says how long things take, in seconds, in place of a clock; `nil` where something cannot be run.
package struct TuningStopwatch {
    /// Of a convolution, by what it is kept under.
    package var convolution: (_ key: String, _ candidate: ConvolutionCandidate) -> ConvolutionTimes?
    /// Of one pass of a plan, forward and backward.
    package var plan: (_ plan: Plan) -> Double?
    package var product: (_ key: String, _ candidate: ProductCandidate, _ pass: ConvolutionPass) -> Double?

    package init(
        convolution: @escaping (String, ConvolutionCandidate) -> ConvolutionTimes?,
        plan: @escaping (Plan) -> Double?,
        product: @escaping (String, ProductCandidate, ConvolutionPass) -> Double?
    ) {
        self.convolution = convolution
        self.plan = plan
        self.product = product
    }
}
