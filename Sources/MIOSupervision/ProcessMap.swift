import MIOSystem

/// Which file lies where in a process' memory, as `/proc/PID/maps` tells.
struct ProcessMap {
    private struct Region {
        let addresses: Range<UInt64>
        /// Of the file, where the region begins.
        let offset: UInt64
        let path: String
    }

    private var regions: [Region] = []

    /// - Parameter text: of `/proc/PID/maps`.
    init(_ text: String) {
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
            guard fields.count == 6, let dash = fields[0].firstIndex(of: "-"),
                let start = UInt64(fields[0][..<dash], radix: 16),
                let end = UInt64(fields[0][fields[0].index(after: dash)...], radix: 16), start < end,
                let offset = UInt64(fields[2], radix: 16)
            else { continue }
            regions.append(
                Region(addresses: start..<end, offset: offset, path: String(fields[5].drop { $0 == " " })))
        }
    }

    /// The file that an address is of, and the place in that file.
    func place(of address: UInt64) -> (path: String, offset: UInt64)? {
        guard let region = regions.first(where: { $0.addresses.contains(address) }) else { return nil }
        return (region.path, address - region.addresses.lowerBound + region.offset)
    }
}
