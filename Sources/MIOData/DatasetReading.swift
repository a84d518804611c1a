import CPrefetch
import CSharedMemory
import MIOBase
import MIOBatches
import MIOSystem

/// Rows of at least this many bytes are asked of the disk together, before the first of them is copied.
private let announcedRowSize = 1 << 16

/// How many rows before its turn a row is asked of the caches: as many lines as a core can wait for, which are
/// more rows where a row is of few elements.
private let rowsFetchedAhead = 6
private let smallRowsFetchedAhead = 24
private let smallRow = 16

extension Dataset {
    /// Copies one sample of one column as floats, of integers as `Int32` in the floats' bytes.
    /// - Parameter destination: room for `elementCount(ofColumn:)` floats.
    /// - Returns: whether the row's shard has the column; if not, the values are 1, or NaN for a target.
    /// - Precondition: `row` is in `0..<rowCount`.
    @discardableResult
    package func read(row: Int, column: Int, into destination: UnsafeMutablePointer<Float>) -> Bool {
        withUnsafePointer(to: row) {
            gather(rows: UnsafeBufferPointer(start: $0, count: 1), column: column, into: destination)
        }
    }

    /// Copies the samples `rows` of one column, one after the other; elements are as ``read(row:column:into:)`` has them.
    /// - Parameter destination: room for `rows.count * elementCount(ofColumn:)` floats.
    /// - Returns: whether the shard of at least one of the rows has the column. Values of the others are 1, or NaN for a target.
    /// - Precondition: every row is in `0..<rowCount`.
    @discardableResult
    package func gather(
        rows: UnsafeBufferPointer<Int>, column: Int, into destination: UnsafeMutablePointer<Float>
    ) -> Bool {
        withUnsafeTemporaryAllocation(of: RowPlace.self, capacity: rows.count) { places in
            guard let start = places.baseAddress, !rows.isEmpty else { return false }
            locate(rows: rows, into: start)
            return gather(
                UnsafeBufferPointer(start: start, count: rows.count), column: column, into: destination)
        }
    }

    /// Finds the shards of some rows.
    /// - Precondition: every row is in `0..<rowCount`; `places` has room for them.
    package func locate(rows: UnsafeBufferPointer<Int>, into places: UnsafeMutablePointer<RowPlace>) {
        for (index, row) in rows.enumerated() { places[index] = place(ofRow: row) }
    }

    /// Copies the samples at `places` of one column, one after the other.
    /// - Parameter destination: room for `places.count * elementCount(ofColumn:)` floats.
    /// - Returns: whether the shard of at least one of them has the column. Values of the others are 1, or NaN for a target.
    package func gather(
        _ places: UnsafeBufferPointer<RowPlace>, column: Int, into destination: UnsafeMutablePointer<Float>
    ) -> Bool {
        let count = elementCount(ofColumn: column)
        let absent = absentValues.pointer[column]
        let sources = sources.pointer + column
        let stride = columns.count
        let areIntegers = columns[column].kind == .integer
        let mark = ReadingMark.place
        let first = UInt64(shardsBefore + 1)
        defer { mio_store_relaxed(mark, 0) }
        announce(places, column: column)
        /// In random order every row is a miss of the caches: several are fetched at a time.
        func fetch(_ place: RowPlace) {
            let source = sources[place.shard * stride]
            guard let base = source.base else { return }
            let size = count * source.elementSize
            mio_prefetch_row(base + place.row * size, size)
        }
        let ahead = min(count <= smallRow ? smallRowsFetchedAhead : rowsFetchedAhead, places.count)
        for index in 0..<ahead { fetch(places[index]) }
        var isPresent = false
        for index in 0..<places.count {
            if index + ahead < places.count { fetch(places[index + ahead]) }
            let source = sources[places[index].shard * stride]
            let target = destination + index * count
            guard let base = source.base else {
                target.update(repeating: absent, count: count)
                continue
            }
            let row = base + places[index].row * count * source.elementSize
            // The row's page may be on a disk that does not answer.
            mio_store_relaxed(mark, first + UInt64(places[index].shard))
            if areIntegers {
                source.elementType.convertToIntegers(row, count: count, into: target)
            } else {
                source.elementType.convert(row, count: count, into: target)
            }
            isPresent = true
        }
        return isPresent
    }

    /// Hands one column over as numbers, in order and in pieces of at most `rowsAtOnce` rows of one shard. In shards without
    /// the column its values are those that a batch has. Integers become the nearest floats.
    /// - Parameters:
    ///   - rows: of the data set, all by default.
    ///   - body: gets the rows and their values, valid only during the call.
    package func scan(
        column: Int, rows: Range<Int>? = nil, rowsAtOnce: Int = 1024,
        _ body: (_ rows: Range<Int>, _ values: UnsafeBufferPointer<Float>) throws -> Void
    ) rethrows {
        precondition(rowsAtOnce > 0, "a piece needs a row")
        let count = elementCount(ofColumn: column)
        let capacity = min(rowsAtOnce, rowCount) * count
        let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: max(capacity, 1))
        defer { buffer.deallocate() }
        for (shard, firstRow) in zip(shards, firstRows) {
            let array = shard.arrays[column]
            if array == nil { buffer.update(repeating: absentValues.pointer[column]) }
            let wanted = (rows ?? 0..<rowCount).clamped(to: firstRow..<firstRow + shard.rowCount)
            var start = wanted.lowerBound - firstRow
            let last = wanted.upperBound - firstRow
            while start < last {
                let end = min(start + rowsAtOnce, last)
                array?.read(start * count..<end * count, into: buffer.baseAddress!)
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
    package func expectReading(shuffled: Bool) {
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
    private func announce(_ places: UnsafeBufferPointer<RowPlace>, column: Int) {
        let count = elementCount(ofColumn: column)
        guard count * ElementType.float64.size >= announcedRowSize else { return }
        let pageSize = UInt(sysconf(Int32(_SC_PAGESIZE)))
        for place in places {
            let source = sources.pointer[place.shard * columns.count + column]
            let size = count * source.elementSize
            guard let base = source.base, size >= announcedRowSize else { continue }
            let address = UInt(bitPattern: base + size * place.row)
            let page = address / pageSize * pageSize
            _ = madvise(UnsafeMutableRawPointer(bitPattern: page), size + Int(address - page), MADV_WILLNEED)
        }
    }
}

/// Where an array's elements lie; without an address for an array that a shard lacks. The shard keeps them alive.
struct ArraySource: BitwiseCopyable {
    let base: UnsafeRawPointer?
    let elementType: ElementType
    let elementSize: Int

    init(_ array: DataArray?) {
        base = array?.base
        elementType = array?.elementType ?? .float32
        elementSize = elementType.size
    }
}
