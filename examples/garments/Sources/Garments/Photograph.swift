import Foundation
import MIOBase

/// A garment somewhere on a noisy canvas, with what the scales, the till and the camera know of it.
///
/// Everything is a function of (seed, stream): the same numbers in any order and on any machine.
package struct Photograph: Sendable {
    package static let side = 64
    package static let metadataCount = 3

    /// 64×64, from 0 to 1, row by row.
    package let image: [Float]
    /// Natural logarithms of weight ÷ 0.5 kg, price ÷ 50 €, and the camera's distance ÷ 2 m.
    package let metadata: [Float]
    /// Left, top, right, bottom, as fractions of the canvas.
    package let box: [Float]

    /// - Parameter stream: the sample's number; samples of different streams are independent.
    package init(of garment: GarmentImage, seed: UInt64, stream: UInt64) {
        var random = PhiloxSequence(seed: seed, stream: stream)
        let extent = garment.extent
        let longest = max(extent.columns.count, extent.rows.count)
        let size = random.nextUniform(20, 54)
        let scale = size / Float(longest)
        let (width, height) = (Float(extent.columns.count) * scale, Float(extent.rows.count) * scale)
        let side = Float(Self.side)
        let left = random.nextUniform(1, side - 1 - width)
        let top = random.nextUniform(1, side - 1 - height)

        var canvas = Canvas(&random)
        canvas.place(
            garment, scale: scale, brightness: random.nextUniform(0.65, 1),
            x: left - Float(extent.columns.lowerBound) * scale, y: top - Float(extent.rows.lowerBound) * scale
        )
        canvas.addNoise(&random)
        image = canvas.pixels
        box = [left / side, top / side, (left + width) / side, (top + height) / side]
        metadata = Self.metadata(kind: GarmentKind.all[garment.kind], size: size, &random)
    }

    /// Garments of one kind differ by 40 % in weight, 60 % in price and 15 % in length, and the camera's
    /// distance is known to 8 %. Being log-normal, none of it excludes any kind.
    private static func metadata(kind: GarmentKind, size: Float, _ random: inout PhiloxSequence) -> [Float] {
        let weight = log(kind.weight / 0.5) + 0.4 * random.nextNormal()
        let price = log(kind.price / 50) + 0.6 * random.nextNormal()
        let length = log(kind.length) + 0.15 * random.nextNormal()
        // A metre at two metres' distance is 64 pixels long.
        let distance = length - log(100 * size / Float(side)) + 0.08 * random.nextNormal()
        return [weight, price, distance]
    }
}

/// The picture while it is made.
private struct Canvas {
    var pixels: [Float]
    private let noise: Float

    /// A background of some level, lighter to one side.
    init(_ random: inout PhiloxSequence) {
        let side = Photograph.side
        let level = random.nextUniform(0.05, 0.4)
        let (slopeX, slopeY) = (random.nextUniform(-0.15, 0.15), random.nextUniform(-0.15, 0.15))
        noise = random.nextUniform(0.03, 0.1)
        pixels = (0..<side * side).map { index in
            let (x, y) = (Float(index % side) / Float(side), Float(index / side) / Float(side))
            return level + slopeX * (x - 0.5) + slopeY * (y - 0.5)
        }
    }

    /// Lays the garment on it; black is see-through.
    /// - Parameters:
    ///   - scale: canvas pixels per garment pixel.
    ///   - x, y: of the garment image's corner, in canvas pixels.
    mutating func place(_ garment: GarmentImage, scale: Float, brightness: Float, x: Float, y: Float) {
        let side = Photograph.side
        let reach = Float(GarmentImages.side + 1) * scale
        let columns = max(0, Int(x - scale))..<min(side, Int(x + reach) + 1)
        let rows = max(0, Int(y - scale))..<min(side, Int(y + reach) + 1)
        for row in rows {
            for column in columns {
                var (opacity, light) = (Float(0), Float(0))
                // Four places a pixel, so that shrinking does not skip lines of the garment.
                for (right, down) in [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)]
                    as [(Float, Float)]
                {
                    let value = garment.brightness(
                        x: (Float(column) + right - x) / scale, y: (Float(row) + down - y) / scale)
                    let cover = min(1, value * 4)
                    opacity += cover / 4
                    light += cover * value / 4
                }
                let index = row * side + column
                pixels[index] = pixels[index] * (1 - opacity) + light * brightness
            }
        }
    }

    mutating func addNoise(_ random: inout PhiloxSequence) {
        for index in pixels.indices {
            // Four bytes of a word added up are near enough to normal; their deviation is 147.8.
            let word = random.nextWord()
            let sum = (word & 0xFF) + (word >> 8 & 0xFF) + (word >> 16 & 0xFF) + word >> 24
            pixels[index] = min(max(pixels[index] + noise * (Float(sum) - 510) / 147.8, 0), 1)
        }
    }
}

extension PhiloxSequence {
    /// A normal number, by Box and Muller.
    mutating func nextNormal() -> Float {
        let (radius, angle) = (1 - nextUnit(), nextUnit())
        return (-2 * log(radius)).squareRoot() * cos(2 * .pi * angle)
    }
}
