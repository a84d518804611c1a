/// Cuts the gradient slab into buckets, each reduced by one collective: neighbouring parameters are joined
/// until one more would pass the target size. A larger parameter is a bucket of its own.
///
/// Small buckets pay latency often; large ones start late and hide less of the reduction behind backward.
/// - Parameters:
///   - parameterRanges: each parameter's elements of the slab, ascending. Gaps between them (alignment) go
///     to the bucket before the gap.
///   - targetElements: by default the floats of 4 MiB.
/// - Returns: ranges without gaps, from the first parameter's first element to the last one's last.
/// - Precondition: the ranges ascend without overlap, and `targetElements` is positive.
public func makeBuckets(parameterRanges: [Range<Int>], targetElements: Int = (4 << 20) / 4) -> [Range<Int>] {
    precondition(targetElements > 0, "a bucket of \(targetElements) elements")
    var buckets: [Range<Int>] = []
    for range in parameterRanges {
        guard let bucket = buckets.last else {
            buckets.append(range)
            continue
        }
        precondition(bucket.upperBound <= range.lowerBound, "\(range) follows \(bucket): not in slab order")
        if range.upperBound - bucket.lowerBound <= targetElements {
            buckets[buckets.count - 1] = bucket.lowerBound..<range.upperBound
        } else {
            buckets[buckets.count - 1] = bucket.lowerBound..<range.lowerBound
            buckets.append(range)
        }
    }
    return buckets
}
