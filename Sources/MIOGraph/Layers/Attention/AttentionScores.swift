import MIOBase

/// What attention does with the scores of one sample, (queries, keys): from scores to shares of each query, and back.
///
/// A key that a query may not see has the share 0. A query that may see none has equal shares of all keys, which do not
/// depend on the scores.
struct AttentionScores<T: Scalar> {
    let queries: Int
    let keys: Int
    /// (queries,): 0 for a query that may see nothing; `nil` if all may.
    let queryMask: UnsafePointer<T>?
    /// (keys,) each: 0 for a key that nobody may see; `nil` if all may be seen.
    let keyMasks: [UnsafePointer<T>?]
    /// Whether a query sees the keys up to its own position alone.
    let isCausal: Bool

    @inline(__always)
    private func sees(_ query: Int, _ key: Int) -> Bool {
        if isCausal, key > query { return false }
        for case let mask? in keyMasks where mask[key] == 0 { return false }
        return true
    }

    /// Whether a query sees no key.
    @inline(__always)
    private func isBlind(_ query: Int) -> Bool {
        if let queryMask, queryMask[query] == 0 { return true }
        for key in 0..<keys where sees(query, key) { return false }
        return true
    }

    /// Turns scores into shares, in place.
    @inline(__always)
    func share(_ scores: UnsafeMutablePointer<T>) {
        for query in 0..<queries {
            let row = scores + query * keys
            guard !isBlind(query) else {
                row.update(repeating: 1 / T(keys), count: keys)
                continue
            }
            var largest = -T.infinity
            for key in 0..<keys where sees(query, key) { largest = max(largest, row[key]) }
            var sum: T = 0
            for key in 0..<keys {
                row[key] = sees(query, key) ? T.exp(row[key] - largest) : 0
                sum += row[key]
            }
            for key in 0..<keys { row[key] /= sum }
        }
    }

    /// Turns the gradients by the shares into those by the scores, in place.
    @inline(__always)
    func passBack(_ gradients: UnsafeMutablePointer<T>, shares: UnsafePointer<T>) {
        for query in 0..<queries {
            let (row, share) = (gradients + query * keys, shares + query * keys)
            guard !isBlind(query) else {
                row.update(repeating: 0, count: keys)
                continue
            }
            var mean: T = 0
            for key in 0..<keys { mean += row[key] * share[key] }
            for key in 0..<keys { row[key] = share[key] * (row[key] - mean) }
        }
    }
}

/// Products of small matrices in row-major order, rows `stride` apart; all of them add.
enum PlainProduct {
    /// c (m, n) += a (m, k) · b (k, n)
    @inline(__always)
    static func add<T: Scalar>(
        _ m: Int, _ n: Int, _ k: Int, _ a: UnsafePointer<T>, _ aStride: Int, _ b: UnsafePointer<T>,
        _ bStride: Int, to c: UnsafeMutablePointer<T>, _ cStride: Int
    ) {
        for i in 0..<m {
            for l in 0..<k {
                let value = a[i * aStride + l]
                for j in 0..<n { c[i * cStride + j] += value * b[l * bStride + j] }
            }
        }
    }

    /// c (m, n) += a (m, k) · bᵀ, with b (n, k)
    @inline(__always)
    static func addTransposed<T: Scalar>(
        _ m: Int, _ n: Int, _ k: Int, _ a: UnsafePointer<T>, _ aStride: Int, _ b: UnsafePointer<T>,
        _ bStride: Int, to c: UnsafeMutablePointer<T>, _ cStride: Int
    ) {
        for i in 0..<m {
            for j in 0..<n {
                var sum: T = 0
                for l in 0..<k { sum += a[i * aStride + l] * b[j * bStride + l] }
                c[i * cStride + j] += sum
            }
        }
    }

    /// c (m, n) += aᵀ · b, with a (k, m), b (k, n)
    @inline(__always)
    static func addOfTransposed<T: Scalar>(
        _ m: Int, _ n: Int, _ k: Int, _ a: UnsafePointer<T>, _ aStride: Int, _ b: UnsafePointer<T>,
        _ bStride: Int, to c: UnsafeMutablePointer<T>, _ cStride: Int
    ) {
        for l in 0..<k {
            for i in 0..<m {
                let value = a[l * aStride + i]
                for j in 0..<n { c[i * cStride + j] += value * b[l * bStride + j] }
            }
        }
    }
}
