import MIOBatches
import Testing

struct BatchScheduleTests {
    @Test func lastBatchHasWhatIsLeft() {
        let schedule = BatchSchedule(rowCount: 10, batchSize: 4)
        #expect(schedule.batchesPerEpoch == 3)
        #expect((0..<3).map { schedule.positions(ofBatch: $0) } == [0..<4, 4..<8, 8..<10])
        #expect(BatchSchedule(rowCount: 8, batchSize: 4).batchesPerEpoch == 2)
        #expect(BatchSchedule(rowCount: 0, batchSize: 4).batchesPerEpoch == 0)
        #expect(BatchSchedule(rowCount: 3, batchSize: 64).positions(ofBatch: 0) == 0..<3)
    }

    @Test func ranksPartitionEveryBatch() {
        for worldSize in 1...7 {
            for rowCount in [1, 2, 3, 5, 7, 16, 29, 64, 100] {
                for batchSize in [1, 2, 5, 8, 32] {
                    let schedule = BatchSchedule(rowCount: rowCount, batchSize: batchSize)
                    for batch in 0..<schedule.batchesPerEpoch {
                        let size = schedule.positions(ofBatch: batch).count
                        var end = 0
                        for rank in 0..<worldSize {
                            let part = schedule.part(ofBatch: batch, rank: rank, worldSize: worldSize)
                            #expect(part.lowerBound == end)
                            #expect(part.lowerBound == size * rank / worldSize)
                            #expect(part.count <= schedule.largestPart(worldSize: worldSize))
                            end = part.upperBound
                        }
                        #expect(end == size)
                    }
                }
            }
        }
    }

    @Test func partsOfHugeBatchesDoNotOverflow() {
        let schedule = BatchSchedule(rowCount: .max, batchSize: .max)
        #expect(schedule.part(ofBatch: 0, rank: 6, worldSize: 7).upperBound == .max)
    }
}
