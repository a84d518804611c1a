import CVectorLoops
import MIOBase

/// What every update does before its own rule, in the update's precision: scales and clips a gradient
/// element, then takes from the weight its decay.
///
/// The order is Keras': gradients are clipped, `variable −= variable·weight_decay·learning_rate`, update.
struct GradientPreparation<T: Scalar> {
    let scale: T
    let limit: T
    let decay: T

    init(_ range: ParameterRange<T>, _ scalars: UpdateScalars) {
        scale = T(range.gradientScale)
        limit = T(scalars.gradientLimit)
        decay = T(scalars.decay)
    }

    /// Comparisons in this order let a NaN through, as `CVectorLoops` does.
    @inline(__always)
    func gradient(_ gradient: T) -> T {
        let scaled = gradient * scale
        let raised = scaled < -limit ? -limit : scaled
        return raised > limit ? limit : raised
    }

    @inline(__always)
    func decayed(_ weight: T) -> T { weight - weight * decay }
}

extension GradientPreparation<Float> {
    var native: mio_update_options {
        mio_update_options(gradient_scale: scale, limit: limit, decay: decay)
    }
}
