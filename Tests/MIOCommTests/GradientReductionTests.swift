import MIOComm
import MIOTensor
import Testing

/// Misuse stops the program: a gradient reduced in another order on another rank would be silently wrong.
@Suite struct ReductionMisuseTests {
    private static func reduction() -> GradientReduction {
        let communicator = LoopbackCommunicator()
        let partition = GradientPartition(parameters: [0..<5, 5..<10], buckets: [1, 1], ranks: 1)
        var layout = SharedLayout()
        let places = GradientReduction.Memory.Places(
            in: &layout, group: communicator.group, partition: partition, elements: 10, numbers: 1)
        return GradientReduction(
            communicator: communicator, partition: partition,
            memory: GradientReduction.Memory(
                communicator.shareMemory(byteCount: layout.byteCount), at: places))
    }

    @Test func aBucketOutOfOrderStops() async {
        await #expect(processExitsWith: .failure) {
            let reduction = Self.reduction()
            reduction.begin()
            try reduction.bucketReady(1)
        }
    }

    @Test func aBucketReadyTwiceStops() async {
        await #expect(processExitsWith: .failure) {
            let reduction = Self.reduction()
            reduction.begin()
            try reduction.bucketReady(0)
            try reduction.bucketReady(0)
        }
    }

    @Test func finishingWithABucketMissingStops() async {
        await #expect(processExitsWith: .failure) {
            let reduction = Self.reduction()
            reduction.begin()
            try reduction.bucketReady(0)
            try reduction.finish()
        }
    }

    @Test func beginningTwiceStops() async {
        await #expect(processExitsWith: .failure) {
            let reduction = Self.reduction()
            reduction.begin()
            reduction.begin()
        }
    }

    @Test func theRightOrderDoesNotStop() async {
        await #expect(processExitsWith: .success) {
            let reduction = Self.reduction()
            for _ in 0..<2 {
                reduction.begin()
                try reduction.bucketReady(0)
                try reduction.bucketReady(1)
                try reduction.progress()
                try reduction.finish()
                try reduction.publish()
            }
        }
    }
}
