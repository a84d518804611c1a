import MIOComm
import MIOTensor
import Testing

/// Misuse stops the program: a gradient reduced in another order on another rank would be silently wrong.
@Suite struct ReducerMisuseTests {
    private static func reducer() -> BucketedReducer {
        BucketedReducer(
            communicator: LoopbackCommunicator(), slab: Storage<Float>(count: 10), buckets: [5..<10, 0..<5])
    }

    @Test func aBucketOutOfOrderStops() async {
        await #expect(processExitsWith: .failure) {
            let reducer = Self.reducer()
            reducer.begin()
            try reducer.bucketReady(1)
        }
    }

    @Test func aBucketReadyTwiceStops() async {
        await #expect(processExitsWith: .failure) {
            let reducer = Self.reducer()
            reducer.begin()
            try reducer.bucketReady(0)
            try reducer.bucketReady(0)
        }
    }

    @Test func finishingWithABucketMissingStops() async {
        await #expect(processExitsWith: .failure) {
            let reducer = Self.reducer()
            reducer.begin()
            try reducer.bucketReady(0)
            try reducer.finish()
        }
    }

    @Test func beginningTwiceStops() async {
        await #expect(processExitsWith: .failure) {
            let reducer = Self.reducer()
            reducer.begin()
            reducer.begin()
        }
    }

    @Test func bucketsThatOverlapStop() async {
        await #expect(processExitsWith: .failure) {
            _ = BucketedReducer(
                communicator: LoopbackCommunicator(), slab: Storage<Float>(count: 10),
                buckets: [0..<6, 5..<10])
        }
    }

    @Test func theRightOrderDoesNotStop() async {
        await #expect(processExitsWith: .success) {
            let reducer = Self.reducer()
            for _ in 0..<2 {
                reducer.begin()
                try reducer.bucketReady(0)
                try reducer.bucketReady(1)
                try reducer.progress()
                try reducer.finish()
            }
        }
    }
}
