import Foundation
import MIOBase

/// Keras' `interpolation`: what lies between the pixels of an image that becomes larger.
///
/// The element i of an axis that becomes `factor` times as long has its center at (i + ½) / factor − ½ on the shorter one.
public enum Interpolation: String, CaseIterable, Sendable {
    /// The nearest pixel: each is repeated.
    case nearest
    /// The mean of the four nearest pixels, weighted by how near their centers are.
    case bilinear
    /// A sum over 4 × 4 pixels, weighted by Keys' cubic function of a = −½. As Keras on TensorFlow has it, a center is rounded to
    /// 1/1024 of a pixel.
    case bicubic
    /// A sum over 6 × 6 pixels, weighted by sinc(x) · sinc(x / 3).
    case lanczos3
    /// A sum over 10 × 10 pixels, weighted by sinc(x) · sinc(x / 5).
    case lanczos5

    /// Whether an element is made of its neighbours alone, two along each axis.
    package var isOfNeighbours: Bool { self == .nearest || self == .bilinear }

    /// A pixel that an element is made of, and its share.
    struct Part: Hashable, Sendable {
        let place: Int
        let share: Double
    }

    /// What each element of an axis that becomes longer is made of. The shares of one add up to 1: at the edges those of pixels
    /// that are not there go to the others.
    /// Source: https://www.tensorflow.org/api_docs/python/tf/image/resize
    func parts(_ count: Int, factor: Int) -> [[Part]] {
        (0..<count * factor).map { index in
            switch self {
            case .nearest: return [Part(place: index / factor, share: 1)]
            case .bilinear:
                let element = InterpolatedElement(index, of: count, factor: factor)
                return [
                    Part(place: element.lower, share: 1 - element.share),
                    Part(place: element.upper, share: element.share),
                ]
            case .bicubic:
                let center = InterpolatedElement.center(index, factor: factor)
                let floor = center.rounded(.down)
                let share = ((center - floor) * 1024).rounded(.toNearestOrEven) / 1024
                return parts(around: floor + share, radius: 2, count) { Self.cubic($0) }
            case .lanczos3, .lanczos5:
                let radius = self == .lanczos3 ? 3.0 : 5.0
                return parts(
                    around: InterpolatedElement.center(index, factor: factor), radius: Int(radius), count
                ) { Self.lanczos($0, radius: radius) }
            }
        }
    }

    private func parts(
        around center: Double, radius: Int, _ count: Int, weight: (_ distance: Double) -> Double
    ) -> [Part] {
        let floor = Int(center.rounded(.down))
        let places = (floor - radius + 1...floor + radius).filter { $0 >= 0 && $0 < count }
        let weights = places.map { weight(abs(Double($0) - center)) }
        let sum = weights.reduce(0, +)
        return zip(places, weights).map { Part(place: $0, share: $1 / sum) }
    }

    /// Keys' function of a = −½. <https://doi.org/10.1109/TASSP.1981.1163711>
    static func cubic(_ distance: Double) -> Double {
        let x = distance
        if x < 1 { return (1.5 * x - 2.5) * x * x + 1 }
        return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0
    }

    static func lanczos(_ distance: Double, radius: Double) -> Double {
        if distance >= radius { return 0 }
        if distance <= 1e-3 { return 1 }
        let x = Double.pi * distance
        return radius * sin(x) * sin(x / radius) / (x * x)
    }
}

/// What an element of a longer axis is made of in the bilinear case: two neighbours on the shorter one.
package struct InterpolatedElement: Hashable, Sendable {
    package let lower: Int
    package let upper: Int
    /// Of the upper one; the lower one has the rest.
    package let share: Double

    /// At the edges both neighbours are the same.
    package init(_ index: Int, of count: Int, factor: Int) {
        let center = Self.center(index, factor: factor)
        let floor = center.rounded(.down)
        lower = max(Int(floor), 0)
        upper = min(Int(center.rounded(.up)), count - 1)
        share = center - floor
    }

    /// Where the center of an element lies on the shorter axis.
    static func center(_ index: Int, factor: Int) -> Double { (Double(index) + 0.5) / Double(factor) - 0.5 }
}
