import MIOBase
import MIOPlan

/// The gradient of a table of which a batch names few rows: the rows that have one, each once, and their gradients.
///
/// Its memory grows with the rows that are named, except for a number for each row of the table.
package final class RowGradients {
    /// Elements of a row.
    package let width: Int
    /// For each row of the table its place below, or −1.
    private let places: Storage<Int32>
    /// In the order in which they were named first.
    private var rows: Storage<Int32>
    /// (rows, width)
    private var values: Storage<Float>
    package private(set) var count = 0
    var isReserved: Bool { rows.count > 0 }

    /// - Parameters:
    ///   - rows: of the table; at most 2³¹ − 1.
    ///   - width: of a row.
    package init(rows: Int, width: Int) {
        self.width = width
        places = Storage(count: rows)
        places.fill(-1)
        self.rows = Storage(count: 0)
        values = Storage(count: 0)
    }

    /// Room for so many rows, or for all of the table if it has fewer. Nothing that is there is kept.
    package func reserve(_ wanted: Int) {
        clear()
        let most = min(wanted, places.count)
        guard most > rows.count else { return }
        rows = Storage(count: most)
        values = Storage(count: most * width)
    }

    package func clear() {
        let (places, rows) = (places.pointer, rows.pointer)
        for place in 0..<count { places[Int(rows[place])] = -1 }
        count = 0
    }

    /// Where a row's gradient is, 0 if it had none yet.
    /// - Precondition: there is room.
    @inline(__always)
    func row(_ row: Int) -> UnsafeMutablePointer<Float> {
        let known = Int(places.pointer[row])
        if known >= 0 { return values.pointer + known * width }
        precondition(count < rows.count, "\(rows.count) rows were reserved")
        places.pointer[row] = Int32(truncatingIfNeeded: count)
        rows.pointer[count] = Int32(truncatingIfNeeded: row)
        let target = values.pointer + count * width
        target.update(repeating: 0, count: width)
        count += 1
        return target
    }

    /// Adds another gradient of the same table.
    package func add(_ other: RowGradients) {
        for place in 0..<other.count {
            let source = other.values.pointer + place * width
            let target = row(Int(other.rows.pointer[place]))
            for column in 0..<width { target[column] += source[column] }
        }
    }

    /// Takes another's place.
    package func copy(_ other: RowGradients) {
        clear()
        add(other)
    }

    /// Writes the rows to where the whole gradient is, which is 0 elsewhere.
    /// - Parameter table: (rows, width)
    package func write(to table: UnsafeMutablePointer<Float>) {
        for place in 0..<count {
            (table + Int(rows.pointer[place]) * width).update(
                from: values.pointer + place * width, count: width)
        }
    }
}

extension RowGradients {
    /// Of every weight of a plan whose gradient's rows are listed.
    package static func all(of plan: Plan) -> [RowGradients] {
        plan.weights.filter(\.listsRows).map { RowGradients(rows: $0.shape[0], width: $0.shape[1]) }
    }
}
