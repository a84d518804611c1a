import MIOKernels
import Testing

@Suite struct MachineLimitsTests {
    /// A core of this century does a hundred million operations a second and no million billion; its memory moves
    /// more than a hundred megabytes and less than a hundred terabytes. More would be a unit gone wrong.
    @Test(arguments: [1, 2]) func measuresBothLimits(threads: Int) throws {
        let limits = try MachineLimits.measure(threads: threads)
        #expect((0.1...1e6).contains(limits.gigaflops))
        #expect((0.1...1e5).contains(limits.triadGigabytes))
    }
}
