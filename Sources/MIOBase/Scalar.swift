import RealModule

/// The element type of a plain implementation: `Float` when it trains, `Double` when it is the oracle.
public protocol Scalar: Real, BinaryFloatingPoint, BitwiseCopyable, Sendable {}

extension Float: Scalar {}
extension Double: Scalar {}
