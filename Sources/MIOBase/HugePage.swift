/// The large pages that Linux can hold memory in: a pass over many megabytes then meets few of them.
package enum HugePage {
    /// Of x86-64, and of Arm with pages of 4 KiB.
    package static let byteCount = 2 << 20

    /// Huge pages that hold a block of memory; 0 if it is too small to be worth the room lost in the last one.
    package static func count(for bytes: Int) -> Int {
        bytes < 2 * byteCount ? 0 : (bytes + byteCount - 1) / byteCount
    }
}
