import MIOTuning
import Testing

@Suite struct LanesTests {
    private func candidates(_ threads: Int, part: Int, strict: Int? = nil, libraries: Bool = true) -> [String]
    {
        Lanes.candidates(threads: threads, part: part, strictShards: strict, librariesShare: libraries)
            .map(\.description)
    }

    @Test func fewThreadsComeFirst() {
        #expect(candidates(1, part: 64) == ["1 thread"])
        #expect(
            candidates(2, part: 64) == ["1 thread", "2 lanes of 1 thread", "1 lane of 2 threads"])
        #expect(candidates(2, part: 64, libraries: false) == ["1 thread", "2 lanes of 1 thread"])
        #expect(
            candidates(6, part: 64) == [
                "1 thread", "2 lanes of 1 thread", "4 lanes of 1 thread", "6 lanes of 1 thread",
                "1 lane of 6 threads", "2 lanes of 3 threads",
            ])
    }

    /// A lane without a sample is none.
    @Test func lanesHaveSamples() {
        #expect(
            candidates(8, part: 3) == [
                "1 thread", "2 lanes of 1 thread", "3 lanes of 1 thread", "3 lanes of 2 threads",
                "1 lane of 8 threads", "2 lanes of 4 threads",
            ])
        #expect(candidates(8, part: 1, libraries: false) == ["1 thread"])
    }

    /// The bits of a strict run hold for a power of two of lanes, and one thread in a library.
    @Test func strictRunsHaveSubtrees() {
        #expect(
            candidates(3, part: 64, strict: 8) == ["1 thread", "2 lanes of 1 thread"])
        #expect(candidates(8, part: 64, strict: 1) == ["1 thread"])
        #expect(
            candidates(64, part: 2, strict: 4) == [
                "1 thread", "2 lanes of 1 thread", "4 lanes of 1 thread",
            ])
    }

    @Test func moreThreadsAreNeverSlower() {
        let ways = Lanes.candidates(threads: 2, part: 64, strictShards: nil, librariesShare: true)
        func best(_ seconds: Double?...) -> String { Lanes.fastest(ways, seconds: seconds).description }
        #expect(best(36e-6, 287e-6, 290e-6) == "1 thread")
        #expect(best(36e-6, 20e-6, 30e-6) == "2 lanes of 1 thread")
        #expect(best(36e-6, 30e-6, 20e-6) == "1 lane of 2 threads")
        // About equal: as few threads as will do.
        #expect(best(36e-6, 35e-6, 35.5e-6) == "1 thread")
        #expect(best(36e-6, 20e-6, 19.5e-6) == "2 lanes of 1 thread")
        // What was not measured, or not measured well, is not taken.
        #expect(best(36e-6, nil, nil) == "1 thread")
        #expect(best(36e-6, .nan, .infinity) == "1 thread")
        #expect(best(nil, nil, nil) == "1 thread")
    }

    @Test func descriptionsAreReadBack() {
        for lanes in [(1, 1), (2, 1), (1, 2), (3, 4), (64, 1)].map({ Lanes(count: $0, threadsEach: $1) }) {
            #expect(Lanes(description: lanes.description) == lanes)
        }
        for text in [
            "", "2", "0 lanes of 1 thread", "1 lane of 1 thread", "2 lanes", "2 lanes of 1 threads",
            "-1 thread",
            "2 lanes of 99999999999999999999 threads", "100000 lanes of 1 thread", "winograd", "2 threads",
        ] {
            #expect(Lanes(description: text) == nil, "\(text)")
        }
    }
}
