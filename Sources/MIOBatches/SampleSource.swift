/// Samples that batches are filled from, wherever they lie: in files, or in memory.
///
/// Any thread may read, and what is read never changes.
package protocol SampleSource: Sendable {
    /// The arrays of every sample; a column's index counts in them.
    var columns: [ColumnRequest] { get }
    var rowCount: Int { get }

    /// The number of floats of one sample of a column.
    func elementCount(ofColumn column: Int) -> Int

    /// Finds some rows, once for all columns.
    /// - Precondition: every row is in `0..<rowCount`; `places` has room for them.
    func locate(rows: UnsafeBufferPointer<Int>, into places: UnsafeMutablePointer<RowPlace>)

    /// Copies the samples at `places` of one column, one after the other.
    /// - Parameter destination: room for `places.count * elementCount(ofColumn:)` floats.
    /// - Returns: whether the source of at least one of them has the column. Values of the others are 1, or NaN for a target.
    func gather(
        _ places: UnsafeBufferPointer<RowPlace>, column: Int, into destination: UnsafeMutablePointer<Float>
    ) -> Bool

    /// Tells in which order the samples will be read.
    func expectReading(shuffled: Bool)

    /// Looks whether the samples are still the ones that were opened.
    /// - Throws: an error that names what changed.
    func checkUnchanged() throws
}

/// A row by the part of its source that holds it, a shard for files, and its number there.
@usableFromInline
package struct RowPlace: BitwiseCopyable, Sendable {
    @usableFromInline package var shard: Int
    @usableFromInline package var row: Int

    @inlinable
    package init(shard: Int, row: Int) {
        self.shard = shard
        self.row = row
    }
}
