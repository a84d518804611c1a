import MIOComm
import MIOTensor
import Testing

@Suite struct BucketTests {
    @Test func parametersAreJoinedUpToTheTarget() {
        #expect(
            makeBuckets(parameterRanges: [0..<4, 4..<6, 6..<10, 10..<11], targetElements: 6)
                == [0..<6, 6..<11])
        #expect(makeBuckets(parameterRanges: [0..<3, 3..<6], targetElements: 6) == [0..<6])
        #expect(makeBuckets(parameterRanges: [0..<3, 3..<7], targetElements: 6) == [0..<3, 3..<7])
    }

    @Test func aLargeParameterIsABucketOfItsOwn() {
        #expect(
            makeBuckets(parameterRanges: [0..<2, 2..<102, 102..<104, 104..<106], targetElements: 10)
                == [0..<2, 2..<102, 102..<106])
    }

    @Test func gapsBelongToTheBucketBefore() {
        #expect(
            makeBuckets(parameterRanges: [0..<10, 16..<20, 32..<40], targetElements: 20)
                == [0..<32, 32..<40])
    }

    @Test func nothingGivesNothing() {
        #expect(makeBuckets(parameterRanges: []) == [])
    }

    @Test func theTargetIsFourMebibytes() {
        let million = 1 << 20
        #expect(
            makeBuckets(parameterRanges: [0..<million / 2, million / 2..<million, million..<million + 1])
                == [0..<million, million..<million + 1])
    }
}

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
