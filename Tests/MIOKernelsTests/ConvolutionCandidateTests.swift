import COneDNN
import Foundation
import MIOBase
import MIOGraph
import MIOKernels
import MIOPlan
import Testing

/// Whether oneDNN has Winograd convolutions for AVX-512: 2.6 and 3.1 have, 3.7 has none. Those between are asked.
private let libraryHasWinograd: Bool = {
    let version = dnnl_version().pointee
    if version.major < 3 || version.major == 3 && version.minor <= 1 { return true }
    if version.major > 3 || version.minor >= 7 { return false }
    var engine: dnnl_engine_t?
    guard dnnl_engine_create(&engine, dnnl_cpu, 0) == dnnl_success else { return false }
    defer { dnnl_engine_destroy(engine) }
    return mio_onednn_has_winograd(engine)
}()

@Suite(.serialized) struct ConvolutionCandidateTests {
    private func model() throws -> Model {
        let image = Input("image", shape: [11, 13, 2])
        let before = Conv2D(32, kernelSize: 1, name: "before")(image)
        let convolution = Conv2D(48, kernelSize: 3, activation: .tanh, name: "convolution")(before)
        return try Model(inputs: [image], outputs: [convolution])
    }

    private func request(_ model: Model) -> PlanRequest {
        PlanRequest(
            graph: model.graph,
            outputs: model.graph.outputs.map { .init(name: $0.name, absorbs: nil, trained: true) }, samples: 3
        )
    }

    private func plan(_ model: Model, _ backend: NativeBackend) -> Plan {
        Plan(request(model), backend: backend)
    }

    private func algorithm(_ plan: Plan) -> String {
        guard case .layer(_, _, let choice) = plan.operations[1].work else { return "" }
        return choice.algorithm
    }

    /// A factor rounded to 8 bits is off by 2⁻⁹ of itself at most, a product by 2⁻⁸; errors and terms of a sum grow
    /// alike with its length, so that the sum is off by as much, and the largest of many by some six deviations.
    private func tolerance(_ candidate: ConvolutionCandidate) -> Float {
        let half: Float = 8 / 256
        return candidate.roundsFactors
            ? 2 * half : MIOKernelsTests.tolerance(sum: 3 * 143, winograd: candidate != .direct, layers: 2)
    }

    @Test(arguments: ConvolutionCandidate.allCases) func matchesThePlainOne(_ candidate: ConvolutionCandidate)
        throws
    {
        let model = try model()
        let backend = try NativeBackend(precision: .bfloat16, tuning: Tuning(always: candidate))
        try expectAlike(model, backend, planned: 4, passes: [3, 1, 4], tolerance: tolerance(candidate))
    }

    /// Each pass in a way of its own: what is kept and copied between them must fit all.
    @Test func passesMayDiffer() throws {
        let model = try model()
        let usual = try NativeBackend(precision: .bfloat16)
        let measured = usual.tuning(for: request(model), known: Tuning(always: .direct)).tuning
        // Nothing is measured where it is known; the keys are those of the passes there are.
        #expect(measured.picks.values.allSatisfy { $0 == .direct })
        let candidates = ConvolutionCandidate.allCases
        for shift in candidates.indices {
            var picks: [String: ConvolutionCandidate] = [:]
            for (index, key) in measured.picks.keys.sorted().enumerated() {
                picks[key] = candidates[(index + shift) % candidates.count]
            }
            let backend = try NativeBackend(precision: .bfloat16, tuning: Tuning(picks: picks))
            try expectAlike(model, backend, planned: 3, passes: [3, 2], tolerance: tolerance(.bfloat16))
        }
    }

    @Test func plansFollowTheTuning() throws {
        let model = try model()
        let algorithms = try ConvolutionCandidate.allCases.map { candidate in
            let backend = try NativeBackend(precision: .bfloat16, tuning: Tuning(always: candidate))
            let plans = (0..<2).map { _ in plan(model, backend) }
            #expect(plans[0].description == plans[1].description)
            return algorithm(plans[0])
        }
        // Where the processor has AVX-512, all are there, except for the Winograd of a oneDNN that has none: asked for it, that
        // computes directly. Its own choice of an order may be one of the others, and its math mode is a wish.
        if algorithms.contains(where: { $0.contains("avx512") }) {
            let hasWinograd = libraryHasWinograd
            #expect(algorithms[0].contains("wino") == hasWinograd)
            let own = zip(ConvolutionCandidate.allCases, algorithms).filter {
                $0.0 != .bfloat16Any && $0.0 != .roundedFloat32
            }
            let count = own.count - (hasWinograd ? 0 : 1)
            #expect(Set(own.map(\.1)).count == count, "\(algorithms)")
        }
        // Weights lie alike, whatever is picked: a checkpointed plan of any tuning can share them.
        let layouts = try ConvolutionCandidate.allCases.map { candidate in
            plan(model, try NativeBackend(precision: .bfloat16, tuning: Tuning(always: candidate)))
                .weights.map { "\($0.name) \($0.layout) \($0.elements)" }
        }
        #expect(Set(layouts).count == 1)
    }

    /// What a library does not have is not measured, and no key of the cache names it.
    @Test func winogradIsACandidateWhereTheLibraryHasIt() throws {
        let model = try model()
        let backend = try NativeBackend()
        let tuning = backend.tuning(for: request(model), known: Tuning()).tuning
        let avx512 = dnnl_cpu_isa_avx512_core.rawValue
        let hasAVX512 = dnnl_get_effective_cpu_isa().rawValue & avx512 == avx512
        let hasWinograd = hasAVX512 && libraryHasWinograd
        for key in tuning.picks.keys {
            // "…, float32, of blockedWinograd direct, forward"
            let candidates = key.components(separatedBy: ", of ").last ?? ""
            #expect(
                candidates.split(whereSeparator: { " ,".contains($0) }).contains("winograd") == hasWinograd)
        }
    }

    @Test func measuresOnceAndRemembers() throws {
        let model = try model()
        let backend = try NativeBackend()
        let first = backend.tuning(for: request(model), known: Tuning())
        let again = backend.tuning(for: request(model), known: first.tuning)
        #expect(!again.measured)
        #expect(again.tuning == first.tuning)
        #expect(Tuning(bytes: first.tuning.bytes) == first.tuning)
        // Under float32 nothing else is ever picked.
        #expect(!first.tuning.picks.values.contains { $0.roundsFactors })
        #expect(first.tuning.segments.isEmpty && first.tuning.products.isEmpty)
        #expect(first.measured == !first.tuning.picks.isEmpty)
    }

    @Test func nothingIsMeasuredWhereThereIsNoChoice() throws {
        let input = Input("input", shape: [100])
        let model = try Model(inputs: [input], outputs: [Dense(3, name: "y")(input)])
        let backend = try NativeBackend(precision: .bfloat16)
        let (tuning, measured) = backend.tuning(for: request(model), known: Tuning())
        #expect(!measured)
        #expect(tuning == Tuning())
    }

    @Test func unknownLinesAreLeftOut() {
        let bytes = Array("direct a, forward\nfancy b, forward\nnonsense\n".utf8)
        #expect(Tuning(bytes: bytes) == Tuning(picks: ["a, forward": .direct]))
    }
}
