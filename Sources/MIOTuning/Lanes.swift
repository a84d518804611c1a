import MIOBase
import MIOJob

/// How a rank's threads share its work: each lane takes whole samples through the model with a thread of its own, as a
/// rank would; within a lane, the libraries share each operation among `threadsEach` threads.
///
/// Which way is fastest depends on the model, the batch and the processor: it is measured (`LaneTuner`).
package struct Lanes: Hashable, Sendable {
    package let count: Int
    /// Threads of the libraries, in each lane.
    package let threadsEach: Int

    /// One thread.
    package static let single = Lanes(count: 1, threadsEach: 1)

    /// - Precondition: both are at least 1.
    package init(count: Int, threadsEach: Int) {
        precondition(count >= 1 && threadsEach >= 1, "\(count) lanes of \(threadsEach) threads")
        self.count = count
        self.threadsEach = threadsEach
    }

    /// Threads that compute.
    package var threads: Int { count * threadsEach }

    /// The ways that make sense, those of few threads first.
    ///
    /// Lanes are counted in powers of two, so that large machines have few candidates, and as many as there are threads.
    /// A strict run has a power of two of lanes with one thread each: whole turns of its shards, and the same sums as one
    /// lane after the other.
    /// - Parameters:
    ///   - threads: the most to use; at least 1.
    ///   - part: the most samples of a batch that the rank has.
    ///   - strictShards: the shards that a strict run gives the rank; `nil` in other runs.
    ///   - librariesShare: whether the model has operations that a library shares among its threads.
    package static func candidates(threads: Int, part: Int, strictShards: Int?, librariesShare: Bool)
        -> [Lanes]
    {
        let most = max(1, min(threads, strictShards ?? part))
        var counts: [Int] = []
        var count = 1
        while count <= most {
            counts.append(count)
            count *= 2
        }
        if strictShards == nil, counts.last != most { counts.append(most) }
        var candidates = counts.map { Lanes(count: $0, threadsEach: 1) }
        if librariesShare, strictShards == nil {
            for count in counts where threads / count > 1 {
                candidates.append(Lanes(count: count, threadsEach: threads / count))
            }
        }
        return candidates.enumerated().sorted { ($0.1.threads, $0.0) < ($1.1.threads, $1.0) }.map(\.1)
    }

    /// The candidate to take: the first one, of the fewest threads, unless another takes a twentieth less. About equal
    /// ways must not change from one measurement to the next, nor take cores for nothing.
    /// - Parameter seconds: of a step with each candidate; `nil` where it was not measured. The first one is.
    package static func fastest(_ candidates: [Lanes], seconds: [Double?]) -> Lanes {
        var best = 0
        for index in candidates.indices.dropFirst() {
            guard let time = seconds[index], time.isFinite else { continue }
            if time < (seconds[best] ?? .infinity) * 0.95 { best = index }
        }
        return candidates[best]
    }

    /// What to assume where nothing was measured: the largest number of lanes that the threads and samples allow. It is
    /// also what needs most memory.
    static func unmeasured(threads: Int, part: Int, strictShards: Int?) -> Lanes {
        candidates(threads: threads, part: part, strictShards: strictShards, librariesShare: false)
            .max { $0.count < $1.count } ?? .single
    }
}

extension Lanes: CustomStringConvertible {
    /// `1 thread`, `2 lanes of 1 thread`, `1 lane of 4 threads`: as tuning files and people read it.
    package var description: String {
        guard threads > 1 else { return "1 thread" }
        return "\(counted(count, "lane")) of \(counted(threadsEach, "thread"))"
    }

    /// The lanes with this description; `nil` for any other text.
    package init?(description: String) {
        let numbers = description.split(separator: " ").compactMap { Int($0) }
        guard numbers.allSatisfy({ (1...Self.most).contains($0) }) else { return nil }
        switch numbers.count {
        case 1: self.init(count: 1, threadsEach: numbers[0])
        case 2: self.init(count: numbers[0], threadsEach: numbers[1])
        default: return nil
        }
        guard self.description == description else { return nil }
    }

    /// Of lanes, and of threads in each, that a description may have.
    private static let most = 1 << 16
}
