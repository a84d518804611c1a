import MIOConfig

/// How the losses of all positions of a global batch become one number (Keras' `reduction`).
///
/// With ℓᵢ the loss and wᵢ the sample weight (1 without weights) of labelled position i:
///
///     sum_over_batch_size        Σ wᵢ·ℓᵢ ÷ number of labelled positions
///     mean_with_sample_weight    Σ wᵢ·ℓᵢ ÷ Σ wᵢ
///     sum                        Σ wᵢ·ℓᵢ
///
/// Source: https://keras.io/api/losses/; a mask there rescales by total ÷ valid, which is the first line.
public enum LossReduction: String, Hashable, Sendable, CaseIterable {
    /// The sum of weighted losses over the number of labels.
    case sumOverBatchSize = "sum_over_batch_size"
    /// The sum of weighted losses over the sum of weights.
    case meanWithSampleWeight = "mean_with_sample_weight"
    /// The sum of weighted losses.
    case sum

    /// What Σ wᵢ·ℓᵢ of the global batch is divided by. If it is 0 there is nothing to learn from: the loss
    /// is 0 (Keras' `divide_no_nan`), and so is every scale.
    /// - Parameters:
    ///   - labelledCount: labelled positions of all ranks.
    ///   - weightSum: the sum of their sample weights.
    public func denominator(labelledCount: Int, weightSum: Double) -> Double {
        switch self {
        case .sumOverBatchSize: Double(labelledCount)
        case .meanWithSampleWeight: weightSum
        case .sum: 1
        }
    }

    /// Reads the key `reduction`; Keras' other word for the default, `mean`, is understood.
    init(reading reader: inout ConfigReader) throws(ConfigError) {
        self =
            reader.value("reduction") == "mean"
            ? .sumOverBatchSize : try reader.choice("reduction", default: .sumOverBatchSize)
    }

    var configValue: ConfigValue { .string(rawValue) }
}
