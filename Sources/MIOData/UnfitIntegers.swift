import MIOBase

/// The values of a column that are not the whole numbers that are wanted of it.
package struct UnfitIntegers: Hashable, Sendable {
    package struct Place: Hashable, Sendable {
        /// Of the data set.
        package let row: Int
        /// The position in the sample, in row-major order.
        package let element: Int
        /// To the last digit.
        package let value: String

        package init(row: Int, element: Int, value: String) {
            self.row = row
            self.element = element
            self.value = value
        }
    }

    /// Of values that are NaN, infinite or, unless they are cut, have a fraction.
    package fileprivate(set) var fractions = 0
    /// Of values that are too small or too large.
    package fileprivate(set) var outside = 0
    package fileprivate(set) var first: Place?

    package var count: Int { fractions + outside }
}

extension Dataset {
    /// Looks for values that are no whole numbers of a range. Arrays whose type has no others are not read.
    /// - Parameters:
    ///   - range: of the numbers that fit.
    ///   - cuts: whether fractions are cut off first, as Keras does where a layer takes numbers with a fraction for integers.
    ///   - elements: of a row, all by default.
    ///   - rows: of the data set, all by default.
    package func unfitIntegers(
        ofColumn column: Int, in range: Range<Int>, cuts: Bool = false, elements: [Int]? = nil,
        rows: Range<Int>? = nil
    ) -> UnfitIntegers {
        var found = UnfitIntegers()
        let count = elementCount(ofColumn: column)
        let elements = elements ?? Array(0..<count)
        let bounds = Double(range.lowerBound)..<Double(range.upperBound)
        for (shard, firstRow) in zip(shards, firstRows) {
            guard let array = shard.arrays[column], !array.elementType.fits(range) else { continue }
            let wanted = (rows ?? 0..<rowCount).clamped(to: firstRow..<firstRow + shard.rowCount)
            for row in wanted {
                for element in elements {
                    let index = (row - firstRow) * count + element
                    let value = array.elementType.double(array.base + index * array.elementType.size)
                    let whole = cuts ? value.rounded(.towardZero) : value
                    if bounds.contains(whole), whole == whole.rounded(.towardZero) { continue }
                    if value.isFinite, whole == whole.rounded(.towardZero) {
                        found.outside += 1
                    } else {
                        found.fractions += 1
                    }
                    found.first =
                        found.first
                        ?? UnfitIntegers.Place(
                            row: row, element: element, value: array.text(ofElement: index))
                }
            }
        }
        return found
    }
}

extension ElementType {
    /// The element at `source`; integers of 64 bits as the nearest number, which is on the same side of 2³¹.
    fileprivate func double(_ source: UnsafeRawPointer) -> Double {
        switch self {
        case .bool: source.load(as: UInt8.self) == 0 ? 0 : 1
        case .int8: Double(source.load(as: Int8.self))
        case .int16: Double(source.loadUnaligned(as: Int16.self))
        case .int32: Double(source.loadUnaligned(as: Int32.self))
        case .int64: Double(source.loadUnaligned(as: Int64.self))
        case .uint8: Double(source.load(as: UInt8.self))
        case .uint16: Double(source.loadUnaligned(as: UInt16.self))
        case .uint32: Double(source.loadUnaligned(as: UInt32.self))
        case .uint64: Double(source.loadUnaligned(as: UInt64.self))
        case .float16, .float32, .float64: floatingPoint(source)
        }
    }

    private func floatingPoint(_ source: UnsafeRawPointer) -> Double {
        if self == .float64 { return source.loadUnaligned(as: Double.self) }
        var value: Float = 0
        convert(source, count: 1, into: &value)
        return Double(value)
    }

    /// Whether every number of the type is a whole one of the range.
    fileprivate func fits(_ range: Range<Int>) -> Bool {
        let all: ClosedRange<Int> =
            switch self {
            case .bool: 0...1
            case .int8: -0x80...0x7f
            case .int16: -0x8000...0x7fff
            case .int32: Int(Int32.min)...Int(Int32.max)
            case .uint8: 0...0xff
            case .uint16: 0...0xffff
            case .uint32: 0...Int(UInt32.max)
            case .int64, .uint64, .float16, .float32, .float64: Int.min...Int.max
            }
        return range.contains(all.lowerBound) && range.contains(all.upperBound)
    }
}
