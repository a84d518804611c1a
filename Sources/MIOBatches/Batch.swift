import MIOBase

/// A place in the training: an epoch and a global batch of it, both from 0.
package struct BatchPosition: Hashable, Sendable, Comparable {
    package var epoch: Int
    package var batch: Int

    package init(epoch: Int, batch: Int) {
        self.epoch = epoch
        self.batch = batch
    }

    package static func < (first: BatchPosition, second: BatchPosition) -> Bool {
        (first.epoch, first.batch) < (second.epoch, second.batch)
    }
}

/// A rank's part of a global batch: a buffer for each column, allocated once and filled many times.
///
/// A rank may have no sample (`count` 0) of a batch that others have samples of.
package final class Batch {
    /// The epoch, and the global batch's index in it.
    package private(set) var position = BatchPosition(epoch: 0, batch: 0)
    /// The samples of this rank's part.
    package private(set) var count = 0
    /// The samples of the whole global batch.
    package private(set) var globalCount = 0
    /// The index of this part's first sample in the global batch.
    package private(set) var firstPosition = 0
    /// The most samples that the buffers hold.
    package let capacity: Int

    private let columnStorages: [Storage<Float>]
    private let elementCounts: [Int]
    private let rowStorage: Storage<Int>
    /// Where each of the rows lies: found once, used for every column.
    private let places: Storage<RowPlace>
    private let presence: Storage<Bool>

    /// Buffers for `capacity` samples of each column of a source.
    /// - Precondition: they fit the address space.
    package convenience init(capacity: Int, dataset: any SampleSource) {
        self.init(
            capacity: capacity,
            elementCounts: dataset.columns.indices.map { dataset.elementCount(ofColumn: $0) })
    }

    private init(capacity: Int, elementCounts: [Int]) {
        self.capacity = capacity
        self.elementCounts = elementCounts
        columnStorages = elementCounts.map { elementCount in
            let (size, overflow) = capacity.multipliedReportingOverflow(by: elementCount)
            precondition(!overflow, "\(capacity) samples of \(elementCount) elements do not fit memory")
            return Storage(count: size)
        }
        rowStorage = Storage(count: capacity)
        places = Storage(count: capacity)
        presence = Storage(count: elementCounts.count)
    }

    /// A whole global batch of one rank, of samples in memory: for measurements, which read no file.
    /// - Parameter value: one of a column's numbers; for integers it is rounded down.
    package convenience init(
        columns: [ColumnRequest], samples: Int, value: (ColumnRequest) -> Float
    ) {
        self.init(capacity: samples, elementCounts: columns.map(\.shape.count))
        (count, globalCount) = (samples, samples)
        for row in 0..<samples { rowStorage.pointer[row] = row }
        for (index, column) in columns.enumerated() {
            presence.pointer[index] = true
            let values = columnStorages[index].pointer
            for element in 0..<samples * column.shape.count {
                let number = value(column)
                values[element] =
                    column.kind == .integer
                    ? Float(bitPattern: UInt32(bitPattern: Int32(exactly: number.rounded(.down)) ?? 0))
                    : number
            }
        }
    }

    /// The bytes of all its buffers.
    var byteCount: Int {
        elementCounts.reduce(MemoryLayout<Int>.stride + MemoryLayout<RowPlace>.stride) {
            $0 + $1 * MemoryLayout<Float>.stride
        } * capacity
    }

    /// The epoch that the batch is of, from 0.
    package var epoch: Int { position.epoch }
    /// The global batch's index in its epoch, from 0.
    package var indexInEpoch: Int { position.batch }

    /// The data set's row of each sample, for messages.
    package var globalRows: UnsafeBufferPointer<Int> {
        UnsafeBufferPointer(start: rowStorage.pointer, count: count)
    }

    /// The samples of a column, one after the other, each in row-major order: `count` times the column's
    /// element count of floats. Columns of integers hold an `Int32` in the bytes of each.
    package func values(ofColumn column: Int) -> UnsafeMutablePointer<Float> {
        columnStorages[column].pointer
    }

    /// Whether any of the samples' shards has the column. If none has, all its values are 1.
    package func isPresent(_ column: Int) -> Bool { presence.pointer[column] }

    /// Copies a rank's part of a global batch out of its source.
    /// - Precondition: the part has at most `capacity` samples.
    package func fill(
        from dataset: any SampleSource, at position: BatchPosition, schedule: BatchSchedule,
        order: Permutation, rank: Int, worldSize: Int
    ) {
        let positions = schedule.positions(ofBatch: position.batch)
        let part = schedule.part(ofBatch: position.batch, rank: rank, worldSize: worldSize)
        precondition(part.count <= capacity, "\(part.count) samples for \(capacity)")
        self.position = position
        count = part.count
        globalCount = positions.count
        firstPosition = part.lowerBound
        let first = positions.lowerBound + part.lowerBound
        order.write(first..<first + count, to: rowStorage.pointer)
        dataset.locate(rows: globalRows, into: places.pointer)
        let places = UnsafeBufferPointer(start: self.places.pointer, count: count)
        for column in elementCounts.indices {
            presence.pointer[column] = dataset.gather(
                places, column: column, into: columnStorages[column].pointer)
        }
    }
}
