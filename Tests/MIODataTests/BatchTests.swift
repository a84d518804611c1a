import MIOBase
import MIOBatches
import MIOData
import TestFolders
import Testing

struct BatchTests {
    @Test func holdsARanksPart() throws {
        let folder = try TemporaryFolder()
        try folder.writeArrays(
            "a.npz", ["x": ([7, 2], (0..<14).map { Float($0) }), "y": ([7], (0..<7).map { Float(-$0) })])
        let dataset = try Dataset(
            DatasetRequest(files: ["a.npz"], folder: folder.path),
            columns: [
                ColumnRequest(name: "x", shape: [2]), ColumnRequest(name: "y", shape: []),
                .weight(ofOutput: "y"),
            ])
        let schedule = BatchSchedule(rowCount: 7, batchSize: 5)
        let batch = Batch(capacity: 3, dataset: dataset)
        let order = Permutation(count: 7, seed: 0, epoch: 4, shuffle: false)

        // Of 5 samples, rank 1 of 2 has those from 5 * 1 / 2 = 2 on.
        batch.fill(
            from: dataset, at: BatchPosition(epoch: 4, batch: 0), schedule: schedule, order: order, rank: 1,
            worldSize: 2)
        #expect((batch.epoch, batch.indexInEpoch) == (4, 0))
        #expect((batch.count, batch.globalCount, batch.firstPosition) == (3, 5, 2))
        #expect(Array(batch.globalRows) == [2, 3, 4])
        #expect(Array(UnsafeBufferPointer(start: batch.values(ofColumn: 0), count: 6)) == [4, 5, 6, 7, 8, 9])
        #expect(Array(UnsafeBufferPointer(start: batch.values(ofColumn: 1), count: 3)) == [-2, -3, -4])
        #expect(Array(UnsafeBufferPointer(start: batch.values(ofColumn: 2), count: 3)) == [1, 1, 1])
        #expect([0, 1, 2].map { batch.isPresent($0) } == [true, true, false])

        // The last batch has 2 samples; the same buffers hold one of them.
        batch.fill(
            from: dataset, at: BatchPosition(epoch: 4, batch: 1), schedule: schedule, order: order, rank: 1,
            worldSize: 2)
        #expect((batch.count, batch.globalCount, batch.firstPosition) == (1, 2, 1))
        #expect(batch.values(ofColumn: 0)[0] == 12)
    }

    @Test func positionsAreOrdered() {
        #expect(BatchPosition(epoch: 1, batch: 9) < BatchPosition(epoch: 2, batch: 0))
        #expect(BatchPosition(epoch: 1, batch: 0) < BatchPosition(epoch: 1, batch: 1))
    }
}
