import MIOBase
import MIOPlan

/// Finds the fastest way for each convolution, each large product and each segment of images of a plan.
///
/// A convolution's ways are measured one by one. How images lie is not a matter of one convolution, and neither is what a
/// convolution does for its neighbours (mio's Winograd takes the relu before it along): a segment is measured as a whole,
/// in the plan, with its poolings and sums and what its ends cost. What float32's plan does is measured first, and the
/// others have to be faster than that.
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
        let known = segments.map { segment in
            let known = segment.keys.map { all.segment($0) }
            return known.allSatisfy { $0 == known[0] } ? known[0] : nil
        }
        let unknown = known.indices.filter { known[$0] == nil }
        var best = known.map { $0 ?? .float32 }
        if !unknown.isEmpty {
            hasMeasured = true
            var least = seconds(segments, best)
            let groups = unknown.count <= Self.mostSegments ? unknown.map { [$0] } : [unknown]
            for group in groups {
                for candidate in [SegmentCandidate.blocked, .channelsLast] {
                    var others = best
                    for index in group { others[index] = candidate }
                    let time = seconds(segments, others)
                    // About equal: the one that was there before.
                    if time < least * 0.95 { (best, least) = (others, time) }
                }
            }
        }
        return tuned(segments, best)
    }

    /// Those of a plan in which factors may be rounded.
    private func segments() -> [ImageSegment] {
        guard backend.precision == .bfloat16, backend.engine.hasBFloat16 else { return [] }
        let plan = Plan(request, backend: backend)
        return ImageSegment.all(in: plan) { operation in
            Convolution.Request(operation, in: plan).map {
                $0.key(
                    backend.engine, samples: plan.samples, threads: backend.threads,
                    precision: backend.precision)
            }
        }
    }

    /// Of a pass of the whole plan, forward and backward.
    private mutating func seconds(_ segments: [ImageSegment], _ candidates: [SegmentCandidate]) -> Double {
        var backend = backend
        backend.tuning = tuned(segments, candidates)
        let plan = Plan(request, backend: backend)
        if let stopwatch { return stopwatch.plan(plan) ?? .infinity }
        return backend.measure(plan, request) ?? .infinity
    }

    /// The fastest way of all that is in the plan with segments like this.
    private mutating func tuned(_ segments: [ImageSegment], _ candidates: [SegmentCandidate]) -> Tuning {
        var result = Tuning()
        for (segment, candidate) in zip(segments, candidates) {
            for key in segment.keys {
                result.set(candidate, key)
                all.set(candidate, key)
            }
        }
        var chosen = backend
        chosen.tuning = result
        let plan = Plan(request, backend: chosen)
        for operation in plan.operations {
            if let request = Convolution.Request(operation, in: plan) {
                tune(request, plan, chosen.precision(of: request.convolution), into: &result)
            } else if let product = DenseProducts(operation, in: plan) {
                tune(product, into: &result)
            }
        }
        return result
    }

    private mutating func tune(
        _ request: Convolution.Request, _ plan: Plan, _ precision: Precision, into result: inout Tuning
    ) {
        let candidates = request.candidates(backend.engine, threads: backend.threads, precision: precision)
        guard candidates.count > 1 else { return }
        let key = request.key(
            backend.engine, samples: plan.samples, threads: backend.threads, precision: precision)
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
