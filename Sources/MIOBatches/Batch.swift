import MIOBase

/// A place in the training: an epoch and a global batch of it, both from 0.
@usableFromInline
package struct BatchPosition: Hashable, Sendable, Comparable {
    @usableFromInline package var epoch: Int
    @usableFromInline package var batch: Int

    @inlinable
    package init(epoch: Int, batch: Int) {
        self.epoch = epoch
        self.batch = batch
    }

    @inlinable
    package static func < (first: BatchPosition, second: BatchPosition) -> Bool {
        (first.epoch, first.batch) < (second.epoch, second.batch)
    }
}

/// A rank's part of a global batch: a buffer for each column, allocated once and filled many times.
///
/// A rank may have no sample (`count` 0) of a batch that others have samples of.
@usableFromInline
package final class Batch {
    /// What the buffers hold. It changes only while one thread has the batch, which fills it: no access is checked.
    @exclusivity(unchecked) @usableFromInline private(set) var part = Part()
    /// The most samples that the buffers hold.
    package let capacity: Int

    @usableFromInline let columnStorages: [Storage<Float>]
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
        (part.count, part.globalCount) = (samples, samples)
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

    /// Which samples of which global batch.
    @usableFromInline
    struct Part {
        @usableFromInline var position = BatchPosition(epoch: 0, batch: 0)
        @usableFromInline var count = 0
        @usableFromInline var globalCount = 0
        @usableFromInline var first = 0
    }

    /// The epoch, and the global batch's index in it.
    @inlinable
    package var position: BatchPosition { part.position }
    /// The samples of this rank's part.
    @inlinable
    package var count: Int { part.count }
    /// The samples of the whole global batch.
    @inlinable
    package var globalCount: Int { part.globalCount }
    /// The index of this part's first sample in the global batch.
    @inlinable
    package var firstPosition: Int { part.first }

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
    @inlinable
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
        let count = part.count
        self.part = Part(
            position: position, count: count, globalCount: positions.count, first: part.lowerBound)
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
