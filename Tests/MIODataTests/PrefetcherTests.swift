import MIOBase
import MIOBatches
import MIOData
import MIOSystem
import TestFolders
import Testing

struct PrefetcherTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    /// Row i of 7 + 6 has x = (i, -i), y = 10 i, and in the first shard y's weight i / 2.
    private func dataset() throws -> Dataset {
        for (name, rows) in [("a.npz", 0..<7), ("b.npz", 7..<13)] {
            let x = rows.flatMap { [Float($0), -Float($0)] }
            let y = rows.map { Float(10 * $0) }
            let weights = rows.map { Float($0) / 2 }
            if name == "a.npz" {
                try folder.writeArrays(
                    name,
                    ["x": ([rows.count, 2], x), "y": ([rows.count], y), "y_weight": ([rows.count], weights)])
            } else {
                try folder.writeArrays(name, ["x": ([rows.count, 2], x), "y": ([rows.count], y)])
            }
        }
        return try Dataset(
            DatasetRequest(files: ["*.npz"], folder: folder.path),
            columns: [
                ColumnRequest(name: "x", shape: [2]), ColumnRequest(name: "y", shape: [1]),
                .weight(ofOutput: "y"),
            ])
    }

    private func rows(_ dataset: Dataset, _ configuration: Prefetcher.Configuration) throws -> [[Int]] {
        let prefetcher = try Prefetcher(dataset: dataset, configuration: configuration)
        var all: [[Int]] = []
        while let batch = try prefetcher.next() { all.append(Array(batch.globalRows)) }
        return all
    }

    @Test func inOrderEveryBatchHoldsItsRows() throws {
        let dataset = try dataset()
        let prefetcher = try Prefetcher(
            dataset: dataset, configuration: .init(batchSize: 5, endEpoch: 2, shuffle: false))
        var expected = [
            (0, 0, 0..<5), (0, 1, 5..<10), (0, 2, 10..<13), (1, 0, 0..<5), (1, 1, 5..<10), (1, 2, 10..<13),
        ][...]
        while let batch = try prefetcher.next() {
            let next = expected.popFirst()
            let (epoch, index, rows) = try #require(next)
            #expect(batch.epoch == epoch)
            #expect(batch.indexInEpoch == index)
            #expect(batch.globalCount == rows.count)
            #expect(batch.firstPosition == 0)
            #expect(Array(batch.globalRows) == Array(rows))
            for (sample, row) in rows.enumerated() {
                #expect(batch.values(ofColumn: 0)[2 * sample] == Float(row))
                #expect(batch.values(ofColumn: 0)[2 * sample + 1] == -Float(row))
                #expect(batch.values(ofColumn: 1)[sample] == Float(10 * row))
                #expect(batch.values(ofColumn: 2)[sample] == (row < 7 ? Float(row) / 2 : 1))
            }
            #expect(batch.isPresent(0))
            #expect(batch.isPresent(2) == (index < 2))
        }
        #expect(expected.isEmpty)
        #expect(try prefetcher.next() == nil)
        #expect(prefetcher.waitedSeconds >= 0)
    }

    @Test func everyEpochHasEveryRowInAnotherOrder() throws {
        let dataset = try dataset()
        let all = try rows(dataset, .init(batchSize: 4, endEpoch: 3, seed: 5))
        #expect(all.count == 12)
        let epochs = (0..<3).map { all[4 * $0..<4 * $0 + 4].flatMap { $0 } }
        for epoch in epochs { #expect(epoch.sorted() == Array(0..<13)) }
        #expect(Set(epochs).count == 3)
        #expect(try rows(dataset, .init(batchSize: 4, endEpoch: 3, seed: 5)) == all)
    }

    @Test func ranksTogetherHaveEveryBatch() throws {
        let dataset = try dataset()
        let one = try rows(dataset, .init(batchSize: 5, endEpoch: 2, seed: 3))
        for worldSize in 1...7 {
            let parts = try (0..<worldSize).map {
                try rows(dataset, .init(batchSize: 5, endEpoch: 2, seed: 3, rank: $0, worldSize: worldSize))
            }
            for batch in one.indices { #expect(parts.flatMap { $0[batch] } == one[batch]) }
        }
    }

    @Test func startsAnywhere() throws {
        let dataset = try dataset()
        let all = try rows(dataset, .init(batchSize: 4, endEpoch: 3, seed: 5))
        for number in 0...12 {
            let start = BatchPosition(epoch: number / 4, batch: number % 4)
            #expect(
                try rows(dataset, .init(batchSize: 4, start: start, endEpoch: 3, seed: 5))
                    == Array(all[number...]))
        }
        // The end of an epoch is the start of the next.
        let end = BatchPosition(epoch: 0, batch: 4)
        #expect(try rows(dataset, .init(batchSize: 4, start: end, endEpoch: 3, seed: 5)) == Array(all[4...]))
        #expect(try rows(dataset, .init(batchSize: 4, start: .init(epoch: 3, batch: 0), endEpoch: 3)) == [])
    }

    @Test func theFollowingBatchIsSeenWhileTheCurrentOneIsHeld() throws {
        let dataset = try dataset()
        for depth in [3, 5, 8, 32] {
            let prefetcher = try Prefetcher(
                dataset: dataset,
                configuration: .init(batchSize: 2, endEpoch: 40, shuffle: false, depth: depth))
            #expect(try prefetcher.following()?.globalRows.first == 0)
            var count = 0
            while let current = try prefetcher.next() {
                let rows = Array(current.globalRows)
                let following = try prefetcher.following()
                #expect(try prefetcher.following() === following)
                #expect(following !== current)
                #expect((following == nil) == (count == 7 * 40 - 1))
                if let following {
                    #expect(following.globalRows.first == (2 * (count % 7) + 2) % 14)
                }
                #expect(Array(current.globalRows) == rows)
                #expect(current.values(ofColumn: 0)[0] == Float(rows[0]))
                count += 1
            }
            #expect(count == 7 * 40)
        }
    }

    @Test func aRankMayHaveNoSample() throws {
        let dataset = try dataset()
        let prefetcher = try Prefetcher(
            dataset: dataset, configuration: .init(batchSize: 2, endEpoch: 1, rank: 0, worldSize: 5))
        while let batch = try prefetcher.next() {
            #expect(batch.count == 0)
            #expect(batch.globalCount == (batch.indexInEpoch < 6 ? 2 : 1))
        }
    }

    @Test func stoppingInTheMiddleEnds() throws {
        let dataset = try dataset()
        for taken in 0..<4 {
            let prefetcher = try Prefetcher(
                dataset: dataset, configuration: .init(batchSize: 1, endEpoch: .max))
            for _ in 0..<taken { _ = try prefetcher.next() }
            prefetcher.stop()
            prefetcher.stop()
        }
        // And without saying so.
        _ = try Prefetcher(dataset: dataset, configuration: .init(batchSize: 1, endEpoch: .max)).next()
    }

    @Test func theRingIsAsDeepAsMemoryAllows() {
        #expect(Prefetcher.usualDepth(batchBytes: 14_000) == 32)
        #expect(Prefetcher.usualDepth(batchBytes: 1 << 20) == 8)
        #expect(Prefetcher.usualDepth(batchBytes: 8 << 20) == 3)
        #expect(Prefetcher.usualDepth(batchBytes: 0) == 32)
    }

    /// Either thread falls asleep again and again, and nothing is lost or seen twice.
    @Test func aSlowThreadOnEitherSideLosesNothing() throws {
        let dataset = try dataset()
        for pause in [1, 40] {
            let prefetcher = try Prefetcher(
                dataset: dataset,
                configuration: .init(batchSize: 1, endEpoch: 300, shuffle: false, depth: 8))
            var count = 0
            while let batch = try prefetcher.next() {
                #expect(batch.globalRows[0] == count % 13)
                count += 1
                if count % pause == 0 { usleep(50) }
            }
            #expect(count == 13 * 300)
        }
    }

    @Test func changedDataIsAnErrorInTheNextEpoch() throws {
        let dataset = try dataset()
        let prefetcher = try Prefetcher(
            dataset: dataset, configuration: .init(batchSize: 1, endEpoch: 2, shuffle: false, depth: 3))
        _ = try prefetcher.next()
        // Under a new inode: the mapped one stays as it is.
        try folder.writeArrays("a.npz", ["x": ([1, 2], [1, 2]), "y": ([1], [1])])
        for _ in 1..<13 { #expect(try prefetcher.next() != nil) }
        let peeked = dataError { try prefetcher.following() }
        let error = dataError { try prefetcher.next() }
        #expect(error?.kind == .changed)
        #expect(peeked == error)
        #expect(error?.description.hasPrefix("\(folder.path)/a.npz: the file changed") == true)
    }
}
