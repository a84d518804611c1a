/// A number at a step.
package struct CurvePoint: Hashable, Sendable {
    package let step: Int
    package let value: Double

    package init(step: Int, value: Double) {
        self.step = step
        self.value = value
    }
}

/// Consecutive points as one: what a screen can show of them. No spike is lost: the lowest and highest stay.
package struct CurveBucket: Hashable, Sendable {
    package var firstStep: Int
    package var lastStep: Int
    /// Points, those that are not finite included.
    package var count: Int
    /// Of the finite points; +∞ and −∞ without any.
    package var low: Double
    package var high: Double
    package var sum: Double
    package var finiteCount: Int

    package init(_ point: CurvePoint) {
        firstStep = point.step
        lastStep = point.step
        count = 1
        let isFinite = point.value.isFinite
        finiteCount = isFinite ? 1 : 0
        low = isFinite ? point.value : .infinity
        high = isFinite ? point.value : -.infinity
        sum = isFinite ? point.value : 0
    }

    package init(
        firstStep: Int, lastStep: Int, count: Int, finiteCount: Int, low: Double, high: Double, sum: Double
    ) {
        self.firstStep = firstStep
        self.lastStep = lastStep
        self.count = count
        self.finiteCount = finiteCount
        self.low = low
        self.high = high
        self.sum = sum
    }

    /// The mean of the finite points; `nil` without any.
    package var mean: Double? { finiteCount > 0 ? sum / Double(finiteCount) : nil }

    /// Takes in what comes after.
    package mutating func add(_ next: CurveBucket) {
        lastStep = next.lastStep
        count += next.count
        finiteCount += next.finiteCount
        low = min(low, next.low)
        high = max(high, next.high)
        sum += next.sum
    }
}

extension Array where Element == CurveBucket {
    /// The same curve with at most `most` buckets of about as many entries each, in order.
    package func reduced(to most: Int) -> [CurveBucket] {
        guard count > most, most > 0 else { return self }
        var result: [CurveBucket] = []
        result.reserveCapacity(most)
        for index in 0..<most {
            let entries = self[index * count / most..<(index + 1) * count / most]
            var bucket = entries.first!
            for next in entries.dropFirst() { bucket.add(next) }
            result.append(bucket)
        }
        return result
    }
}

/// Points as bytes in the index: a step and a value, 8 bytes each.
package enum PackedPoints {
    package static let bytesEach = 16

    package static func append(_ point: CurvePoint, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: Int64(point.step).littleEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: point.value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }

    package static func read(_ bytes: UnsafeRawBufferPointer, _ body: (CurvePoint) -> Void) {
        for start in stride(from: 0, through: bytes.count - bytesEach, by: bytesEach) {
            let step = Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: Int64.self))
            let bits = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: start + 8, as: UInt64.self))
            body(CurvePoint(step: Int(step), value: Double(bitPattern: bits)))
        }
    }
}
