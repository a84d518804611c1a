/// In which numbers a backend may multiply.
///
/// Weights, gradients, optimizer state and what goes from layer to layer are 32-bit floats in either case.
public enum Precision: String, CaseIterable, Hashable, Sendable {
    /// 32-bit floats throughout.
    case float32
    /// Factors rounded to 8 significant bits, products added in 32-bit floats, where that is faster: of
    /// Keras' `mixed_bfloat16` what convolutions gain by.
    case bfloat16
}
