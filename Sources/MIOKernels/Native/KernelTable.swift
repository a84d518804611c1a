import MIOBase
import MIOGraph
import MIOPlan

/// One native way to run the calls of a class of layers.
///
/// A new kernel is a file beside this one and a line in `NativeBackend.kernels`.
struct KernelEntry: Sendable {
    let name: KernelName
    /// Whether there is something to measure before a plan is made, in these numbers.
    let isTuned: @Sendable (Precision) -> Bool
    /// Whether a library may share each call among its threads, however small.
    let isThreaded: Bool
    let matches: @Sendable (any Layer) -> Bool
    /// How it would run a call; `nil` if it cannot.
    let choose: @Sendable (KernelRequest, NativeBackend) -> KernelChoice?
    /// Binds what `choose` promised.
    let make: @Sendable (KernelDescription, NativeBackend) throws -> any Kernel

    /// - Parameters:
    ///   - name: of this entry alone.
    ///   - type: the layers that it runs, a class or a protocol of theirs.
    init<L>(
        _ name: KernelName, for type: L.Type,
        isTuned: @escaping @Sendable (Precision) -> Bool = { _ in false },
        isThreaded: Bool = false,
        choose: @escaping @Sendable (L, KernelRequest, NativeBackend) -> KernelChoice?,
        make: @escaping @Sendable (L, KernelDescription, NativeBackend) throws -> any Kernel
    ) {
        self.name = name
        self.isTuned = isTuned
        self.isThreaded = isThreaded
        matches = { $0 is L }
        self.choose = { request, backend in
            guard let layer = request.layer as? L, var choice = choose(layer, request, backend) else {
                return nil
            }
            choice.kernel = name
            return choice
        }
        self.make = { description, backend in
            guard let layer = description.layer as? L else {
                preconditionFailure("\(name) runs no \(Swift.type(of: description.layer))")
            }
            return try make(layer, description, backend)
        }
    }
}

extension KernelName {
    static let convolution = KernelName("convolution")
    static let fewFilters = KernelName("convolution of few filters")
    static let repeatedChannels = KernelName("depthwise convolution of repeated channels")
    static let transposedConvolution = KernelName("transposed convolution")
    static let separable = KernelName("separable convolution")
    static let channelsFirst = KernelName("channels first")
    static let channelsFirstFlatten = KernelName("flatten of channels first")
    static let pooling = KernelName("pooling")
    static let averagePooling = KernelName("average pooling")
    static let globalPooling = KernelName("global pooling")
    static let border = KernelName("border")
    static let upSampling = KernelName("up-sampling")
    static let groupNormalization = KernelName("group normalization")
    static let dense = KernelName("dense")
    static let segmentedDense = KernelName("segmented dense")
    static let unitNormalization = KernelName("unit normalization")
    static let dot = KernelName("dot")
    static let prelu = KernelName("prelu")
    static let softmax = KernelName("softmax")
    static let concatenate = KernelName("concatenate")
    static let join = KernelName("join")
    static let sharedDropout = KernelName("dropout of noise_shape")
    static let unaryOperation = KernelName("unary operation")
    static let binaryOperation = KernelName("binary operation")
    static let reduction = KernelName("reduction")
    static let matrixMultiplication = KernelName("matrix multiplication")
    static let layerNormalization = KernelName("layer normalization")
    static let batchNormalization = KernelName("batch normalization")
    static let embedding = KernelName("embedding")
    static let lstm = KernelName("lstm")
    static let gru = KernelName("gru")
    static let simpleRNN = KernelName("simple rnn")
    static let multiHeadAttention = KernelName("multi-head attention")
    static let bidirectional = KernelName("bidirectional")
    static let timeDistributed = KernelName("time distributed")
}

extension KernelEntry {
    static func activating<L: ActivatingLayer>(_ type: L.Type) -> KernelEntry {
        KernelEntry(
            KernelName("activation \(type.className)"), for: type,
            choose: { layer, request, _ in ActivationKernel.choice(layer, request) },
            make: { layer, description, _ in ActivationKernel(layer.activation, description) })
    }

    static func dropping<L: ElementDropout>(_ type: L.Type) -> KernelEntry {
        KernelEntry(
            KernelName("dropout \(type.className)"), for: type,
            choose: { layer, request, _ in DropoutKernel.choice(layer, request) },
            make: { layer, description, _ in DropoutKernel(layer, description) })
    }

    static func droppingChannels<L: ChannelDropout>(_ type: L.Type) -> KernelEntry {
        KernelEntry(
            KernelName("dropout \(type.className)"), for: type,
            choose: { layer, request, _ in ChannelDropoutKernel.choice(layer, request) },
            make: { layer, description, _ in ChannelDropoutKernel(layer, description) })
    }

    static func disturbing<L: NormalNoise>(_ type: L.Type) -> KernelEntry {
        KernelEntry(
            KernelName("noise \(type.className)"), for: type,
            choose: { layer, request, _ in NoiseKernel.choice(layer, request) },
            make: { layer, description, _ in NoiseKernel(layer, description) })
    }

    static func rearranging<L: RearrangingLayer>(_ type: L.Type) -> KernelEntry {
        KernelEntry(
            KernelName("rearrangement \(type.className)"), for: type,
            choose: { layer, request, _ in RearrangingKernel.choice(layer, request) },
            make: { layer, description, _ in RearrangingKernel(layer, description) })
    }

    static func scaling<L: AffineLayer>(_ type: L.Type) -> KernelEntry {
        KernelEntry(
            KernelName("scaling \(type.className)"), for: type,
            choose: { layer, request, _ in AffineKernel.choice(layer, request) },
            make: { layer, description, _ in AffineKernel(layer, description) })
    }

    static func merging<L: MergeLayer>(_ type: L.Type) -> KernelEntry {
        KernelEntry(
            KernelName("merge \(type.className)"), for: type,
            choose: { layer, request, _ in MergeKernel.choice(layer.merge, request) },
            make: { layer, description, _ in MergeKernel(layer.merge, description) })
    }
}

extension NativeBackend {
    /// The first one that can run a call runs it; the plain implementation runs what none of them can.
    static let kernels: [KernelEntry] = [
        KernelEntry(
            .fewFilters, for: Conv2D.self,
            choose: { layer, request, _ in FewFiltersKernel.choice(layer, request) },
            make: { layer, description, _ in FewFiltersKernel(layer, description) }),
        KernelEntry(
            .repeatedChannels, for: (any ConvolutionLayer).self, isThreaded: true,
            choose: { RepeatedChannelsKernel.choice($0, $1, $2) },
            make: { try RepeatedChannelsKernel($0, $1, $2) }),
        KernelEntry(
            .convolution, for: (any ConvolutionLayer).self, isTuned: { _ in true }, isThreaded: true,
            choose: { ConvolutionKernel.choice($0, $1, $2) },
            make: { try ConvolutionKernel($0, $1, $2) }),
        KernelEntry(
            .transposedConvolution, for: (any ConvolutionLayer).self, isThreaded: true,
            choose: { TransposedConvolutionKernel.choice($0, $1, $2) },
            make: { try TransposedConvolutionKernel($0, $1, $2) }),
        KernelEntry(
            .separable, for: (any SeparableLayer).self, isThreaded: true,
            choose: { SeparableKernel.choice($0, $1, $2) }, make: { try SeparableKernel($0, $1, $2) }),
        KernelEntry(
            .pooling, for: (any PoolingLayer).self,
            choose: { layer, request, _ in
                type(of: layer).isMaximum ? PoolingKernel.choice(layer, request) : nil
            },
            make: { layer, description, _ in PoolingKernel(layer, description) }),
        KernelEntry(
            .averagePooling, for: (any PoolingLayer).self,
            choose: { layer, request, _ in
                type(of: layer).isMaximum ? nil : AveragePoolingKernel.choice(layer, request)
            },
            make: { layer, description, _ in AveragePoolingKernel(layer, description) }),
        KernelEntry(
            .globalPooling, for: (any GlobalPoolingLayer).self,
            choose: { layer, request, _ in GlobalPoolingKernel.choice(layer, request) },
            make: { layer, description, _ in GlobalPoolingKernel(layer, description) }),
        KernelEntry(
            .border, for: (any BorderLayer).self,
            choose: { layer, request, _ in BorderKernel.choice(layer, request) },
            make: { layer, description, _ in BorderKernel(layer, description) }),
        KernelEntry(
            .upSampling, for: (any UpSamplingLayer).self,
            choose: { layer, request, _ in UpSamplingKernel.choice(layer, request) },
            make: { layer, description, _ in UpSamplingKernel(layer, description) }),
        KernelEntry(
            .channelsFirst, for: (any ImageLayer).self, isThreaded: true,
            choose: { ChannelsFirstKernel.choice($0, $1, $2) },
            make: { try ChannelsFirstKernel($0, $1, $2) }),
        KernelEntry(
            .channelsFirstFlatten, for: Flatten.self,
            choose: { layer, request, _ in ChannelsFirstFlattenKernel.choice(layer, request) },
            make: { layer, description, _ in ChannelsFirstFlattenKernel(layer, description) }),
        KernelEntry(
            .dense, for: Dense.self, isTuned: { $0 == .bfloat16 }, choose: { DenseKernel.choice($0, $1, $2) },
            make: { DenseKernel($0, $1, $2) }),
        KernelEntry(
            .segmentedDense, for: SegmentedDense.self,
            choose: { layer, request, backend in DenseKernel.choice(layer.dense, request, backend) },
            make: { layer, description, backend in DenseKernel(layer.dense, description, backend) }),
        .activating(ActivationLayer.self), .activating(ReLU.self), .activating(LeakyReLU.self),
        .activating(ELU.self),
        KernelEntry(
            .prelu, for: PReLU.self, choose: { layer, request, _ in PReLUKernel.choice(layer, request) },
            make: { layer, description, _ in PReLUKernel(layer, description) }),
        KernelEntry(
            .softmax, for: Softmax.self,
            choose: { layer, request, _ in SoftmaxKernel.choice(layer, request) },
            make: { layer, description, _ in SoftmaxKernel(layer, description) }),
        KernelEntry(
            .sharedDropout, for: Dropout.self,
            choose: { layer, request, _ in
                layer.dropsTogether.flatMap { ChannelDropoutKernel.choice($0, request) }
            },
            make: { layer, description, _ in
                guard let shared = layer.dropsTogether else { return ReferenceKernel(description) }
                return ChannelDropoutKernel(shared, description)
            }),
        KernelEntry(
            KernelName("dropout Dropout"), for: Dropout.self,
            choose: { layer, request, _ in
                layer.noiseShape == nil ? DropoutKernel.choice(layer, request) : nil
            },
            make: { layer, description, _ in DropoutKernel(layer, description) }),
        .dropping(AlphaDropout.self), .droppingChannels(SpatialDropout1D.self),
        .droppingChannels(SpatialDropout2D.self), .droppingChannels(SpatialDropout3D.self),
        .disturbing(GaussianNoise.self), .disturbing(GaussianDropout.self), .rearranging(Permute.self),
        .rearranging(RepeatVector.self), .rearranging(GetItem.self), .scaling(Rescaling.self),
        .scaling(Normalization.self),
        KernelEntry(
            .unitNormalization, for: UnitNormalization.self,
            choose: { layer, request, _ in UnitNormalizationKernel.choice(layer, request) },
            make: { layer, description, _ in UnitNormalizationKernel(layer, description) }),
        .merging(Add.self), .merging(Subtract.self), .merging(Multiply.self), .merging(Average.self),
        .merging(Maximum.self), .merging(Minimum.self),
        KernelEntry(
            .dot, for: Dot.self, choose: { layer, request, _ in DotKernel.choice(layer, request) },
            make: { layer, description, _ in DotKernel(layer, description) }),
        KernelEntry(
            .unaryOperation, for: UnaryOperation.self,
            choose: { layer, request, _ in UnaryOperationKernel.choice(layer, request) },
            make: { layer, description, _ in UnaryOperationKernel(layer, description) }),
        KernelEntry(
            .binaryOperation, for: BinaryOperation.self,
            choose: { layer, request, _ in BinaryOperationKernel.choice(layer, request) },
            make: { layer, description, _ in BinaryOperationKernel(layer, description) }),
        KernelEntry(
            .reduction, for: Reduction.self,
            choose: { layer, request, _ in ReductionKernel.choice(layer, request) },
            make: { layer, description, _ in ReductionKernel(layer, description) }),
        KernelEntry(
            .matrixMultiplication, for: MatrixMultiplication.self,
            choose: { _, request, _ in MatrixMultiplicationKernel.choice(request) },
            make: { _, description, _ in MatrixMultiplicationKernel(description) }),
        KernelEntry(
            .concatenate, for: Concatenate.self,
            choose: { layer, request, _ in ConcatenateKernel.choice(layer, request) },
            make: { _, description, _ in ConcatenateKernel(description) }),
        KernelEntry(
            .join, for: Concatenate.self, choose: { _, request, _ in JoiningKernel.choice(request) },
            make: { layer, description, _ in JoiningKernel(layer, description) }),
        KernelEntry(
            .layerNormalization, for: LayerNormalization.self,
            choose: { layer, request, _ in LayerNormalizationKernel.choice(layer, request) },
            make: { layer, description, _ in LayerNormalizationKernel(layer, description) }),
        KernelEntry(
            .batchNormalization, for: BatchNormalization.self,
            choose: { layer, request, _ in BatchNormalizationKernel.choice(layer, request) },
            make: { layer, description, _ in
                // Over the first axis a mask's positions are no rows.
                guard layer.isLastAxis(of: description.outputShape) || description.bindings.masks[0] == nil
                else { return ReferenceKernel(description) }
                return BatchNormalizationKernel(layer, description)
            }),
        KernelEntry(
            .groupNormalization, for: GroupNormalization.self,
            choose: { layer, request, _ in GroupNormalizationKernel.choice(layer, request) },
            make: { layer, description, _ in GroupNormalizationKernel(layer, description) }),
        KernelEntry(
            .embedding, for: Embedding.self,
            choose: { layer, request, _ in EmbeddingKernel.choice(layer, request) },
            make: { layer, description, _ in EmbeddingKernel(layer, description) }),
        KernelEntry(
            .lstm, for: LSTM.self, choose: { layer, request, _ in LSTMKernel.choice(layer, request) },
            make: { layer, description, _ in LSTMKernel(layer, description) }),
        KernelEntry(
            .gru, for: GRU.self, choose: { layer, request, _ in OneStateKernel.choice(layer, request) },
            make: { layer, description, _ in OneStateKernel(layer, description) }),
        KernelEntry(
            .simpleRNN, for: SimpleRNN.self,
            choose: { layer, request, _ in OneStateKernel.choice(layer, request) },
            make: { layer, description, _ in OneStateKernel(layer, description) }),
        KernelEntry(
            .multiHeadAttention, for: MultiHeadAttention.self,
            choose: { layer, request, _ in MultiHeadAttentionKernel.choice(layer, request) },
            make: { layer, description, _ in MultiHeadAttentionKernel(layer, description) }),
        KernelEntry(
            .bidirectional, for: Bidirectional.self, choose: { BidirectionalKernel.choice($0, $1, $2) },
            make: { try BidirectionalKernel($0, $1, $2) }),
        KernelEntry(
            .timeDistributed, for: TimeDistributed.self, choose: { TimeDistributedKernel.choice($0, $1, $2) },
            make: { try TimeDistributedKernel($0, $1, $2) }),
    ]

    /// Whether a plan for the graph should be measured before it is made.
    package func isTuned(_ graph: Graph) -> Bool {
        graph.layers.contains { entry in
            Self.kernels.contains { $0.isTuned(precision) && $0.matches(entry.layer) }
        }
    }

    /// Whether the graph has calls that a library may share among its threads, however small.
    package static func sharesCalls(of graph: Graph) -> Bool {
        graph.layers.contains { entry in kernels.contains { $0.isThreaded && $0.matches(entry.layer) } }
    }

    /// Whether there is a fast kernel for a layer's class. It need not run all of its calls.
    package static func hasKernel(for layer: any Layer) -> Bool { kernels.contains { $0.matches(layer) } }

    package func choose(_ request: KernelRequest) -> KernelChoice {
        prepareThread()
        return Self.kernels.lazy.compactMap { $0.choose(request, self) }.first ?? .reference(request)
    }

    package func makeKernel(_ description: KernelDescription) throws -> any Kernel {
        prepareThread()
        guard let entry = Self.kernels.first(where: { $0.name == description.choice.kernel }) else {
            return ReferenceKernel(description)
        }
        return try entry.make(description, self)
    }
}
