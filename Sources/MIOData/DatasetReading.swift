import MIOTensor

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Rows of at least this many bytes are asked of the disk together, before the first of them is copied.
private let announcedRowSize = 1 << 16

extension Dataset {
    /// Copies one sample of one column as floats.
    /// - Parameter destination: room for `elementCount(ofColumn:)` floats.
    /// - Returns: whether the row's shard has the column; if not, the values are 1.
    /// - Precondition: `row` is in `0..<rowCount`.
    @discardableResult
    public func read(row: Int, column: Int, into destination: UnsafeMutablePointer<Float>) -> Bool {
        let shard = shardIndex(ofRow: row)
        let count = elementCount(ofColumn: column)
        guard let array = shards[shard].arrays[column] else {
            destination.update(repeating: 1, count: count)
            return false
        }
        let start = (row - firstRows[shard]) * count
        array.read(start..<start + count, into: destination)
        return true
    }

    /// Copies the samples `rows` of one column, one after the other.
    /// - Parameter destination: room for `rows.count * elementCount(ofColumn:)` floats.
    /// - Returns: whether the shard of at least one of the rows has the column. Values of the others are 1.
    /// - Precondition: every row is in `0..<rowCount`.
    @discardableResult
    public func gather(
        rows: UnsafeBufferPointer<Int>, column: Int, into destination: UnsafeMutablePointer<Float>
    ) -> Bool {
        let count = elementCount(ofColumn: column)
        announce(rows: rows, column: column)
        var isPresent = false
        for (index, row) in rows.enumerated() {
            if read(row: row, column: column, into: destination + index * count) { isPresent = true }
        }
        return isPresent
    }

    /// Hands one column over, in order and in pieces of at most `rowsAtOnce` rows of one shard; shards
    /// without the column are passed over.
    /// - Parameters:
    ///   - rows: of the data set, all by default.
    ///   - body: gets the rows and their values, valid only during the call.
    public func scan(
        column: Int, rows: Range<Int>? = nil, rowsAtOnce: Int = 1024,
        _ body: (_ rows: Range<Int>, _ values: UnsafeBufferPointer<Float>) throws -> Void
    ) rethrows {
        precondition(rowsAtOnce > 0, "a piece needs a row")
        let count = elementCount(ofColumn: column)
        let capacity = min(rowsAtOnce, rowCount) * count
        let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: max(capacity, 1))
        defer { buffer.deallocate() }
        for (shard, firstRow) in zip(shards, firstRows) {
            guard let array = shard.arrays[column] else { continue }
            let wanted = (rows ?? 0..<rowCount).clamped(to: firstRow..<firstRow + shard.rowCount)
            var start = wanted.lowerBound - firstRow
            let last = wanted.upperBound - firstRow
            while start < last {
                let end = min(start + rowsAtOnce, last)
                array.read(start * count..<end * count, into: buffer.baseAddress!)
                try body(
                    firstRow + start..<firstRow + end,
                    UnsafeBufferPointer(rebasing: buffer[..<((end - start) * count)]))
                start = end
            }
        }
    }

    /// Tells the system how the files will be read.
    ///
    /// In order, it should read ahead. In random order, reading around small rows pays while the files fit
    /// memory (they are all read soon), and else only evicts what is needed: then it is turned off.
    public func expectReading(shuffled: Bool) {
        let pages = sysconf(Int32(_SC_PHYS_PAGES))
        let memory = pages > 0 ? pages * sysconf(Int32(_SC_PAGESIZE)) : Int.max
        let size = shards.reduce(0) { $0 + $1.byteCount }
        let advice = !shuffled ? MADV_SEQUENTIAL : size > memory / 2 ? MADV_RANDOM : MADV_NORMAL
        for shard in shards {
            for file in shard.mappedFiles {
                // Advice that the system does not take changes nothing but speed.
                _ = madvise(
                    UnsafeMutableRawPointer(mutating: file.bytes.baseAddress!), file.bytes.count, advice)
            }
        }
    }

    /// Lets the disk work on all rows of a batch at once instead of one after the other.
    private func announce(rows: UnsafeBufferPointer<Int>, column: Int) {
        let count = elementCount(ofColumn: column)
        guard count * ElementType.float64.size >= announcedRowSize else { return }
        let pageSize = Int(sysconf(Int32(_SC_PAGESIZE)))
        for row in rows {
            let shard = shardIndex(ofRow: row)
            guard let array = shards[shard].arrays[column] else { continue }
            let size = count * array.elementType.size
            guard size >= announcedRowSize else { continue }
            let address = UInt(bitPattern: array.base) + UInt(size * (row - firstRows[shard]))
            let page = address / UInt(pageSize) * UInt(pageSize)
            _ = madvise(UnsafeMutableRawPointer(bitPattern: page), size + Int(address - page), MADV_WILLNEED)
        }
    }
}
