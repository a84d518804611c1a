import MIOBase
import MIOGraph
import MIOKernels
import MIOPlan
import Testing

/// 1×1 convolutions of up to four filters over blocked images, of sixteen channels with AVX-512, of eight without.
@Suite(.serialized) struct FewFiltersKernelTests {
    private let image = Input("image", shape: [9, 31, 3])

    /// `nil` where images do not lie in blocks at all.
    private func algorithm(_ model: Model, of name: String) throws -> String? {
        let plan = Plan(
            PlanRequest(
                graph: model.graph,
                outputs: model.graph.outputs.map { .init(name: $0.name, absorbs: nil, trained: true) },
                samples: 3), backend: try NativeBackend())
        guard
            case .layer(_, _, let choice) = try #require(plan.operations.first { $0.name == name }).work
        else { return nil }
        let isBlocked = plan.tensors.contains {
            if case .channelBlocked = $0.layout { true } else { false }
        }
        return isBlocked ? choice.algorithm : nil
    }

    /// 279 pixels are no whole number of sixteens, and more than one stretch of sums; 20 and 40 channels end in a block.
    @Test(arguments: 1...4, [16, 20, 40]) func matchesThePlainOne(_ filters: Int, _ channels: Int) throws {
        for (before, after, hasBias) in [
            (Activation.relu, Activation.sigmoid, true), (.relu, .linear, false), (.linear, .softmax, true),
            (.tanh, .relu, true), (.relu, .tanh, true),
        ] {
            let features = Conv2D(
                channels, kernelSize: 3, padding: .same, activation: before, useBias: hasBias,
                name: "features")(image)
            let mask = Conv2D(filters, kernelSize: 1, activation: after, useBias: hasBias, name: "mask")(
                features)
            let model = try Model(inputs: [image], outputs: [mask])
            if let algorithm = try algorithm(model, of: "mask") {
                #expect(algorithm == "dot products of pixels")
            }
            try expectAlike(
                model, planned: 3, passes: [3, 1, 2],
                tolerance: tolerance(sum: 6 * 279, winograd: true, layers: 2))
        }
    }

    /// Five filters are a convolution like others, and so is a stride.
    @Test func othersAreConvolutions() throws {
        let features = Conv2D(32, kernelSize: 3, name: "features")(image)
        let model = try Model(
            inputs: [image],
            outputs: [
                Conv2D(5, kernelSize: 1, name: "five")(features),
                Conv2D(2, kernelSize: 1, strides: 2, name: "strided")(features),
            ])
        for name in ["five", "strided"] {
            #expect(try algorithm(model, of: name) != "dot products of pixels")
        }
    }

    /// Beside others that read the same image, whose gradients add, first and last; and untrained.
    @Test(arguments: [true, false]) func besideOthers(trains: Bool) throws {
        let features = Conv2D(20, kernelSize: 3, activation: .relu, name: "features")(image)
        let masks = ["a", "b"].map {
            Conv2D(2, kernelSize: 1, activation: .sigmoid, name: $0, trainable: trains)(features)
        }
        let model = try Model(
            inputs: [image],
            outputs: masks + [
                Conv2D(3, kernelSize: 3, name: "other")(features), Dense(2, name: "y")(Flatten()(features)),
            ])
        try expectAlike(
            model, planned: 2, passes: [2, 1],
            tolerance: tolerance(sum: 20 * 7 * 29, winograd: true, layers: 2))
    }
}
