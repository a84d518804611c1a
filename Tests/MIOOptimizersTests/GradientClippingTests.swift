import MIOBase
import MIOOptimizers
import Testing

@Suite struct GradientClippingTests {
    @Test func byNormOfEachParameter() {
        // Norms 5 and ½ and 0, limit 1: only the first shrinks.
        let clipping = GradientClipping.norm(1)
        #expect(clipping.needsNorms)
        #expect(clipping.scales(squaredNorms: [25, 0.25, 0]) == [0.2, 1, 1])
        #expect(clipping.elementLimit == .infinity)
    }

    @Test func byGlobalNorm() {
        // Keras' own test: four tens, norm 20, limit 1: each becomes ½.
        #expect(GradientClipping.globalNorm(1).scales(squaredNorms: [200, 200]) == [0.05, 0.05])
        #expect(GradientClipping.globalNorm(8).scales(squaredNorms: [9, 16]) == [1, 1])
        #expect(GradientClipping.globalNorm(1).scales(squaredNorms: [0, 0]) == [1, 1])
    }

    @Test func byValueAndNotAtAll() {
        #expect(GradientClipping.value(0.5).elementLimit == 0.5)
        for clipping in [GradientClipping.none, .value(0.5), .value(0), .norm(0), .globalNorm(0)] {
            #expect(!clipping.needsNorms)
            #expect(clipping.scales(squaredNorms: [1e6, .nan]) == [1, 1])
        }
        #expect(GradientClipping.value(0).elementLimit == .infinity)
    }

    @Test func brokenNormsAreNotHidden() {
        let each = GradientClipping.norm(1).scales(squaredNorms: [.infinity, 4])
        #expect(each[0].isNaN && each[1] == 0.5)
        #expect(GradientClipping.globalNorm(1).scales(squaredNorms: [.nan, 4]).allSatisfy { $0.isNaN })
    }
}

@Suite struct SumOfSquaresTests {
    @Test func byHand() {
        #expect(sumOfSquares([3, -4], count: 2) == 25)
        #expect(sumOfSquares([1], count: 0) == 0)
        // 1² + … + 100² = 338,350, exactly.
        #expect(sumOfSquares((1...100).map { Float($0) }, count: 100) == 338_350)
        // A sum in single precision would lose the 1.
        #expect(sumOfSquares([1e6, 1], count: 2) == 1e12 + 1)
    }

    @Test func finiteExactlyIfEveryElementIs() {
        #expect(sumOfSquares([Float.greatestFiniteMagnitude, 3e38], count: 2).isFinite)
        for broken in [Float.nan, .infinity, -.infinity] {
            for place in [0, 5, 16, 20] {
                var values = [Float](repeating: 1, count: 21)
                values[place] = broken
                #expect(!sumOfSquares(values, count: 21).isFinite)
            }
        }
    }

    /// The order that the header promises, written out: machines with other vectors get the same bits.
    @Test func orderIsFixed() {
        var random = PhiloxSequence(seed: 8, stream: 0)
        // Over many magnitudes: sums of squares of similar numbers are exact, whatever the order.
        let values = (0..<10_003).map { index in
            random.nextUniform(1, 2) * Float(sign: .plus, exponent: index * 7 % 31 - 15, significand: 1)
        }
        for (offset, count) in [(0, 10_003), (1, 10_000), (3, 31), (7, 1)] {
            var lanes = [Double](repeating: 0, count: 16)
            for index in 0..<count {
                lanes[index % 16] += Double(values[offset + index]) * Double(values[offset + index])
            }
            for half in [8, 4, 2, 1] {
                for lane in 0..<half { lanes[lane] += lanes[lane + half] }
            }
            let sum = values.withUnsafeBufferPointer { sumOfSquares($0.baseAddress! + offset, count: count) }
            #expect(sum == lanes[0])
        }
    }
}
