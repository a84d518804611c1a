import MIORunIndex
import Testing

@Suite struct CurveTests {
    @Test func keepsSpikesAndCounts() {
        var points = (0..<10_000).map { CurveBucket(CurvePoint(step: $0, value: 1)) }
        points[7_777] = CurveBucket(CurvePoint(step: 7_777, value: 100))
        points[3_333] = CurveBucket(CurvePoint(step: 3_333, value: -5))
        let reduced = points.reduced(to: 300)
        #expect(reduced.count == 300)
        #expect(reduced.map(\.high).max() == 100)
        #expect(reduced.map(\.low).min() == -5)
        #expect(reduced.map(\.count).reduce(0, +) == 10_000)
        #expect(reduced.first?.firstStep == 0)
        #expect(reduced.last?.lastStep == 9_999)
        #expect(zip(reduced, reduced.dropFirst()).allSatisfy { $0.lastStep < $1.firstStep })
    }

    @Test func leavesShortCurvesAlone() {
        let points = (0..<10).map { CurveBucket(CurvePoint(step: $0, value: Double($0))) }
        #expect(points.reduced(to: 10) == points)
        #expect([CurveBucket]().reduced(to: 10).isEmpty)
    }

    @Test func meansAreOfFiniteValues() {
        var bucket = CurveBucket(CurvePoint(step: 1, value: .nan))
        #expect(bucket.mean == nil)
        bucket.add(CurveBucket(CurvePoint(step: 2, value: 3)))
        bucket.add(CurveBucket(CurvePoint(step: 3, value: .infinity)))
        #expect(bucket.mean == 3)
        #expect(bucket.count == 3)
        #expect(bucket.finiteCount == 1)
        #expect(bucket.high == 3)
    }

    @Test func pointsComeBackFromBytes() {
        let points = [CurvePoint(step: -3, value: 0.1), CurvePoint(step: 1 << 40, value: -.infinity)]
        var bytes: [UInt8] = []
        for point in points { PackedPoints.append(point, to: &bytes) }
        var read: [CurvePoint] = []
        bytes.withUnsafeBytes { PackedPoints.read($0) { read.append($0) } }
        #expect(read == points)
    }
}
