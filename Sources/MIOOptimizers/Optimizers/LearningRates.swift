// Keras' arguments, one by one: `Adam(learningRate: 0.001)`.

extension Adam {
    /// Adam with the same learning rate at every step.
    /// - Precondition: the learning rate is finite and not negative; otherwise as `init(options:…)`.
    public init(
        learningRate: Double, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-7,
        amsgrad: Bool = false, weightDecay: Double? = nil, clipping: GradientClipping = .none
    ) {
        self.init(
            learningRate: Constant(learningRate), beta1: beta1, beta2: beta2, epsilon: epsilon,
            amsgrad: amsgrad, weightDecay: weightDecay, clipping: clipping)
    }

    /// Adam with a learning rate that changes.
    /// - Precondition: as `init(options:…)`.
    public init(
        learningRate: any Schedule, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-7,
        amsgrad: Bool = false, weightDecay: Double? = nil, clipping: GradientClipping = .none
    ) {
        self.init(
            options: OptimizerOptions(
                learningRate: learningRate, weightDecay: weightDecay, clipping: clipping),
            beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad)
    }
}

extension AdamW {
    /// AdamW with the same learning rate at every step.
    /// - Precondition: the learning rate is finite and not negative; otherwise as `init(options:…)`.
    public init(
        learningRate: Double, weightDecay: Double = AdamW.defaultWeightDecay, beta1: Double = 0.9,
        beta2: Double = 0.999, epsilon: Double = 1e-7, amsgrad: Bool = false,
        clipping: GradientClipping = .none
    ) {
        self.init(
            learningRate: Constant(learningRate), weightDecay: weightDecay, beta1: beta1, beta2: beta2,
            epsilon: epsilon, amsgrad: amsgrad, clipping: clipping)
    }

    /// AdamW with a learning rate that changes.
    /// - Precondition: as `init(options:…)`.
    public init(
        learningRate: any Schedule, weightDecay: Double = AdamW.defaultWeightDecay, beta1: Double = 0.9,
        beta2: Double = 0.999, epsilon: Double = 1e-7, amsgrad: Bool = false,
        clipping: GradientClipping = .none
    ) {
        self.init(
            options: OptimizerOptions(
                learningRate: learningRate, weightDecay: weightDecay, clipping: clipping),
            beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad)
    }
}

extension SGD {
    /// Gradient descent with the same learning rate at every step.
    /// - Precondition: the learning rate is finite and not negative; otherwise as `init(options:…)`.
    public init(
        learningRate: Double, momentum: Double = 0, nesterov: Bool = false, weightDecay: Double? = nil,
        clipping: GradientClipping = .none
    ) {
        self.init(
            learningRate: Constant(learningRate), momentum: momentum, nesterov: nesterov,
            weightDecay: weightDecay, clipping: clipping)
    }

    /// Gradient descent with a learning rate that changes.
    /// - Precondition: as `init(options:…)`.
    public init(
        learningRate: any Schedule, momentum: Double = 0, nesterov: Bool = false,
        weightDecay: Double? = nil, clipping: GradientClipping = .none
    ) {
        self.init(
            options: OptimizerOptions(
                learningRate: learningRate, weightDecay: weightDecay, clipping: clipping),
            momentum: momentum, nesterov: nesterov)
    }
}
