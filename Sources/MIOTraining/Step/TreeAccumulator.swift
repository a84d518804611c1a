import MIOBase

/// Adds up terms that come one after the other, in the order of a binary tree: a binary counter whose digits hold sums
/// of 1, 2, 4 … terms.
///
/// For a power of two of terms the order is that of `TreeOrder`.
package final class TreeAccumulator<Element: BitwiseCopyable & FloatingPoint> {
    private let terms: Int
    private let levels: [Storage<Element>]
    private let add: (Storage<Element>, UnsafeMutablePointer<Element>) -> Void
    private var added = 0

    /// - Parameters:
    ///   - terms: a power of two.
    ///   - count: elements of a term.
    ///   - add: adds the first to the second, in place.
    init(
        terms: Int, count: Int, add: @escaping (Storage<Element>, UnsafeMutablePointer<Element>) -> Void
    ) {
        precondition(terms > 0 && terms & (terms - 1) == 0, "\(terms) terms are no power of two")
        self.terms = terms
        self.add = add
        levels = (0..<terms.trailingZeroBitCount).map { _ in Storage(count: count) }
    }

    /// Takes the next term. After the last of them `term` holds the sum, and the next one is the first again.
    package func take(_ term: UnsafeMutablePointer<Element>) {
        var level = 0
        while added >> level & 1 == 1 {
            add(levels[level], term)
            level += 1
        }
        added += 1
        if added == terms {
            added = 0
        } else {
            levels[level].pointer.update(from: term, count: levels[level].count)
        }
    }
}

extension TreeAccumulator {
    package convenience init(terms: Int, count: Int) {
        self.init(terms: terms, count: count) { level, term in
            for index in 0..<level.count { term[index] = level.pointer[index] + term[index] }
        }
    }
}
