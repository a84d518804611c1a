import MIOBase
import MIOGraph
import MIOKernels
import MIOPlan
import Testing

/// oneDNN has fast code for some orders of images only, and plain loops, hundreds of times slower, for all others.
@Suite(.serialized) struct ConvolutionImplementationTests {
    private let kernels = [(1, 1), (1, 2), (2, 2), (3, 1), (3, 2), (5, 1), (5, 2)]

    private func model(channels: Int, filters: Int, kernel: Int, stride: Int) throws -> Model {
        let image = Input("image", shape: [9, 10, channels])
        let before = Conv2D(channels, kernelSize: 1, useBias: false, name: "before")(image)
        let convolution = Conv2D(
            filters, kernelSize: kernel, strides: stride, activation: .relu, name: "convolution")(before)
        return try Model(inputs: [image], outputs: [convolution])
    }

    private func choices(_ model: Model, _ backend: NativeBackend) -> [KernelChoice] {
        let plan = Plan(
            PlanRequest(
                graph: model.graph,
                outputs: model.graph.outputs.map { .init(name: $0.name, absorbs: nil, trained: true) },
                samples: 6), backend: backend)
        return plan.operations.compactMap { operation in
            guard case .layer(_ as Conv2D, _, let choice) = operation.work else { return nil }
            return choice
        }
    }

    @Test(arguments: [1, 2, 3, 4, 6, 8, 9, 12, 15, 16, 17, 24, 40])
    func noneIsPlain(channels: Int) throws {
        let backend = try NativeBackend()
        for filters in [1, 2, 5, 8, 12, 16, 24, 33] {
            for (kernel, stride) in kernels {
                let model = try model(channels: channels, filters: filters, kernel: kernel, stride: stride)
                for choice in choices(model, backend) {
                    let isPlain = choice.algorithm.split(separator: ", ").contains {
                        $0 == "reference" || $0.hasPrefix("onednn ref")
                    }
                    #expect(!isPlain, "\(filters) filters, kernel \(kernel), stride \(stride): \(choice)")
                }
            }
        }
    }

    /// One channel lies the same in several orders; named in the wrong one, oneDNN has plain loops for it, and the image
    /// would not be blocked for the sake of smaller passes. (AVX2 has fast code for the canonical order alone.)
    @Test(arguments: [1, 2, 3]) func aFewChannelsAreBlocked(channels: Int) throws {
        let image = Input("image", shape: [28, 28, channels])
        let model = try Model(
            inputs: [image],
            outputs: [Conv2D(32, kernelSize: 3, activation: .relu, name: "convolution")(image)])
        for choice in choices(model, try NativeBackend()) where choice.algorithm.contains("avx512") {
            #expect(choice.outputLayout == .channelBlocked(block: 16))
        }
    }

    @Test(arguments: [1, 3, 4, 7, 8, 12, 17, 24]) func allMatchThePlainOne(channels: Int) throws {
        let backend = try NativeBackend()
        for (filters, (kernel, stride)) in zip([1, 5, 8, 12, 16, 24, 33], kernels) {
            let model = try model(channels: channels, filters: filters, kernel: kernel, stride: stride)
            try expectAlike(
                model, backend, planned: 4, passes: [3, 1, 4],
                tolerance: tolerance(sum: channels * kernel * kernel, winograd: true, layers: 2))
        }
    }
}
