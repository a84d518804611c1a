import MIOBatches
import MIOComm
import MIOData
import MIORun
import Testing

/// Numbers that may stand for "no label".
@Suite struct SentinelScanTests {
    private func scan(_ targets: [Float], _ number: Float, rows: Range<Int>? = nil) throws -> SentinelScan {
        let samples: Samples = ["y": SampleArray(targets)]
        let dataset = try Dataset(
            DatasetRequest(memory: samples),
            columns: [ColumnRequest(name: "y", shape: [], role: .target)]
        )
        return SentinelScan(dataset, column: 0, number: number, rows: rows)
    }

    @Test func farAwayAndSeveralTimes() throws {
        let found = try scan([1, 2, -200, 3, -200, .nan], -200)
        #expect(found.count == 2 && found.isSuspicious)
        #expect(try scan([1, 2, 9999, 3, 9999], 9999).isSuspicious)
    }

    @Test(
        arguments: [
            // Once; as near as twice the others' distance; among them; nothing else; not there.
            ([1, 2, -200, 3], -200), ([1, 3, -3, -3], -3), ([1, 5, 3, 3], 3), ([7, 7, 7], 7), ([1, 2], 5),
        ] as [([Float], Float)])
    func ordinaryNumbers(targets: [Float], number: Float) throws {
        #expect(try !scan(targets, number).isSuspicious)
    }

    /// Each rank looks at its rows; together they see all of them.
    @Test func ranksTogether() throws {
        let targets: [Float] = [1, 2, -200, 3, -200, 2]
        let found = try InProcessCommunicator.run(worldSize: 2) { communicator in
            var own = try scan(targets, -200, rows: communicator.rank * 3..<communicator.rank * 3 + 3)
            let alone = (own.count, own.isSuspicious)
            try own.reduce(communicator)
            return (alone: alone, together: (own.count, own.isSuspicious))
        }
        for rank in found {
            #expect(rank.alone == (1, false))
            #expect(rank.together == (2, true))
        }
    }
}
