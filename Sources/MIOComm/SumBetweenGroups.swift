/// How values travel, and are added up, between groups of ranks.
package enum SumBetweenGroups: String, CaseIterable, Hashable, Sendable {
    /// As the transport likes it: the fastest that is exact up to rounding.
    case any
    /// In the order of a binary tree over the groups (`TreeOrder`), at a little more traffic.
    case tree
    /// As bfloat16: each group's values are rounded, added up in 32 bits, and the sum is rounded once more; each
    /// rounding is off by at most 2⁻⁹ of what is rounded, whatever the number of groups. Half the bytes.
    case bfloat16

    /// Bytes an element takes on its way.
    package var bytesPerElement: Int { self == .bfloat16 ? 2 : 4 }
}
