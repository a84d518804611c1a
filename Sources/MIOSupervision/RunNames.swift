import MIOBase
import MIORunFolder

/// What people call the buckets and the files that ranks tell by number.
package struct RunNames: Hashable, Sendable {
    private let buckets: [RunLedger.Bucket]
    private let files: [RunLedger.DataFile]

    /// - Parameter ledger: of the run; it has the buckets of an attempt once that attempt's ranks have planned.
    package init(_ ledger: RunLedger? = nil, attempt: Int? = nil) {
        buckets = ledger?.attempts.last { $0.number == attempt }?.buckets ?? []
        files = ledger?.data ?? []
    }

    /// ``bucket 4, head `box` ``: of the layers of one output alone; else with its layers.
    /// - Parameter place: from 0, as it is reduced; numbers for people begin with 1.
    /// - Returns: `nil` where there is no such bucket, or no rank has told of it.
    package func bucket(_ place: Int) -> String? {
        guard buckets.indices.contains(place) else { return nil }
        let bucket = buckets[place]
        if buckets.contains(where: { $0.outputs.count > 1 || $0.outputs != bucket.outputs }),
            bucket.outputs.count == 1, let head = bucket.outputs.first
        {
            return "bucket \(place + 1), head `\(head.shown(most: 100))`"
        }
        let layers = bucket.layers.map { "`\($0.shown(most: 100))`" }
        let rest = layers.count - Self.mostLayers
        return "bucket \(place + 1), \(layers.count == 1 ? "layer" : "layers") "
            + layers.prefix(Self.mostLayers).joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : "")
    }

    private static let mostLayers = 4

    /// `shard 7, data/train-006.npz`, which a rank reads that waits for data.
    /// - Returns: `nil` for a rank that waits for something else.
    package func shard(of sight: RankSight) -> String? {
        guard let entry = sight.entry, entry.phase == .waitingForData || entry.phase == .validating,
            let shard = entry.shard, files.indices.contains(shard)
        else { return nil }
        let file = files[shard]
        let number = files[..<shard].count { $0.source == file.source } + 1
        return "shard \(number), \(file.path.shown(most: 300))"
    }
}
