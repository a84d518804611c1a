import CDenseLoops
import COneDNN
import COpenBLAS
import MIOBase
import MIOSystem
import MIOThreads

/// What this machine could do at most, measured: what a layer's speed is held against.
///
/// Arithmetic: C (n, n) = A (n, n) · B (n, n) in float32, 2n³ operations, by OpenBLAS or oneDNN: a library that does not
/// know a processor falls back to what is long past, and the other one shows what there is.
/// Memory: STREAM's triad a ← b + s · c on arrays of 96 MiB, 12 bytes an element (what a write fetches first is not
/// counted). <https://www.cs.virginia.edu/stream/ref.html>
package struct MachineLimits: Hashable, Sendable {
    /// 10⁹ operations a second of a large matrix product.
    package var gigaflops: Double
    /// 10⁹ bytes a second.
    package var triadGigabytes: Double

    package init(gigaflops: Double, triadGigabytes: Double) {
        self.gigaflops = gigaflops
        self.triadGigabytes = triadGigabytes
    }

    /// Measures both on so many threads, in about 0.3 seconds and 96 MiB: the fastest of many short runs, for what
    /// else the machine does only slows it, and leaves some run of a few milliseconds alone.
    /// - Throws: `RunError` if the system has no thread left, `KernelError` if oneDNN refuses.
    package static func measure(threads: Int) throws -> MachineLimits {
        // As long a run at any number of threads.
        let size = 64 * Int((8 * cbrt(Double(threads))).rounded())
        return try MachineLimits(
            gigaflops: matrixProduct(size: size, threads: threads, seconds: 0.15),
            triadGigabytes: triad(count: 8 << 20, threads: threads, seconds: 0.15))
    }

    /// Leaves the calling thread with so many threads of OpenMP: what computes sets its own.
    private static func matrixProduct(size: Int, threads: Int, seconds: Double) -> Double {
        let before = openblas_get_num_threads()
        openblas_set_num_threads(Int32(threads))
        defer { openblas_set_num_threads(before) }
        mio_set_openmp_threads(Int32(threads))
        let (a, b, c) = (
            Storage<Float>(count: size * size), Storage<Float>(count: size * size),
            Storage<Float>(count: size * size)
        )
        defer { withExtendedLifetime((a, b, c)) {} }
        // Not zeros: a processor may do those with less power, at a higher clock.
        a.fill(0.5)
        b.fill(0.25)
        let (left, right) = (
            MatrixProduct.Factor(pointer: a.pointer, stride: size),
            MatrixProduct.Factor(pointer: b.pointer, stride: size)
        )
        let fastest = [MatrixProduct.openBLAS, .oneDNN].map { product in
            fastestRun(seconds: seconds / 2) {
                product(size, size, size, left, right, adds: false, into: c.pointer, stride: size)
            }
        }
        return 2 * Double(size) * Double(size) * Double(size) / min(fastest[0], fastest[1]) * 1e-9
    }

    /// - Parameter count: elements of each of the three arrays; a run takes one half, the next the other.
    private static func triad(count: Int, threads: Int, seconds: Double) throws -> Double {
        let team = try ThreadTeam(count: threads)
        let (a, b, c) = (
            Storage<Float>(count: count), Storage<Float>(count: count), Storage<Float>(count: count)
        )
        defer { withExtendedLifetime((a, b, c)) {} }
        b.fill(1)
        c.fill(2)
        let (target, first, second) = (a.pointer, b.pointer, c.pointer)
        var start = 0
        let part: (Int) -> Void = { member in
            let part = (start..<start + count / 2).share(of: member, among: threads)
            let low = part.lowerBound
            mio_triad(Int64(part.count), first + low, second + low, 0.5, target + low)
        }
        let fastest = fastestRun(seconds: seconds) {
            team.run(part)
            start = count / 2 - start
        }
        return 3 * Double(count / 2 * MemoryLayout<Float>.stride) / fastest * 1e-9
    }

    /// Seconds of the fastest of at least ten runs, after one that is not counted.
    private static func fastestRun(seconds: Double, _ run: () -> Void) -> Double {
        let clock = ContinuousClock()
        run()
        let began = clock.now
        var fastest = Double.infinity
        var runs = 0
        while runs < 10 || clock.now - began < .seconds(seconds) {
            fastest = min(fastest, clock.measure(run) / .seconds(1))
            runs += 1
        }
        return fastest
    }
}
