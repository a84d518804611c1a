import Garments
import Testing

@Suite struct PhotographTests {
    /// A white rectangle of 14 × 7 pixels.
    private static let garment: GarmentImage = {
        var pixels = [Float](repeating: 0, count: 28 * 28)
        for row in 10..<17 { for column in 5..<19 { pixels[row * 28 + column] = 1 } }
        return GarmentImage(pixels: pixels, kind: 8)
    }()

    @Test func isAFunctionOfSeedAndStream() {
        let one = Photograph(of: Self.garment, seed: 3, stream: 5)
        let again = Photograph(of: Self.garment, seed: 3, stream: 5)
        #expect(one.image == again.image)
        #expect(one.metadata == again.metadata)
        #expect(one.box == again.box)
        #expect(Photograph(of: Self.garment, seed: 4, stream: 5).box != one.box)
        #expect(Photograph(of: Self.garment, seed: 3, stream: 6).box != one.box)
    }

    @Test(arguments: 0..<50 as Range<UInt64>) func boxLiesOnTheCanvasAndKeepsProportions(stream: UInt64) {
        let box = Photograph(of: Self.garment, seed: 0, stream: stream).box
        let (width, height) = ((box[2] - box[0]) * 64, (box[3] - box[1]) * 64)
        #expect(box.allSatisfy { $0 > 0 && $0 < 1 })
        #expect(width >= 19.99 && width <= 54.01)
        #expect(abs(width / height - 2) < 0.001)
    }

    @Test(arguments: 0..<50 as Range<UInt64>) func theGarmentIsWhereTheBoxSays(stream: UInt64) {
        let photograph = Photograph(of: Self.garment, seed: 0, stream: stream)
        let edges = photograph.box.map { $0 * 64 }
        var (inside, outside): ([Float], [Float]) = ([], [])
        for row in 0..<64 {
            for column in 0..<64 {
                let (x, y) = (Float(column) + 0.5, Float(row) + 0.5)
                let value = photograph.image[row * 64 + column]
                // A pixel of margin for the garment's soft edge, which a large one spreads over two.
                if x > edges[0] + 2, x < edges[2] - 2, y > edges[1] + 2, y < edges[3] - 2 {
                    inside.append(value)
                } else if x < edges[0] - 2 || x > edges[2] + 2 || y < edges[1] - 2 || y > edges[3] + 2 {
                    outside.append(value)
                }
            }
        }
        func mean(_ values: [Float]) -> Float { values.reduce(0, +) / Float(values.count) }
        // The garment has brightness 0.65 to 1, the background at most 0.4 on average.
        #expect(mean(inside) > 0.6)
        #expect(mean(outside) < 0.45)
        #expect(photograph.image.allSatisfy { $0 >= 0 && $0 <= 1 })
    }

    @Test func metadataIsThatOfItsKind() {
        let samples = (0..<400 as Range<UInt64>).map {
            Photograph(of: Self.garment, seed: 0, stream: $0).metadata
        }
        #expect(samples.allSatisfy { $0.count == Photograph.metadataCount })
        let means = (0..<2).map { index in samples.reduce(0) { $0 + $1[index] } / 400 }
        // A bag: log(0.65 ÷ 0.5) and log(60 ÷ 50); of 400 samples the mean is off by σ ÷ 20, here up to 4 times.
        #expect(abs(means[0] - 0.262) < 4 * 0.4 / 20)
        #expect(abs(means[1] - 0.182) < 4 * 0.6 / 20)
    }
}
