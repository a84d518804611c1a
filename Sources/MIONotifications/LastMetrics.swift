import Foundation
import MIOFiles
import MIORunFolder

extension RunFolder {
    /// As much of the file's end as has some lines.
    private static var bytesOfTail: Int { 1 << 16 }

    /// The numbers of the newest epoch or step in `metrics.jsonl`, by their log names; those that are not finite are left out.
    /// - Returns: `nil` if there are none.
    package func lastMetrics() -> [String: Double]? {
        guard let size = try? OpenFile(metricsPath, .reading).size(),
            let bytes = try? OpenFile.contents(
                of: metricsPath, from: max(0, size - Self.bytesOfTail), atMost: Self.bytesOfTail)
        else { return nil }
        for line in bytes.split(separator: UInt8(ascii: "\n")).reversed() {
            guard let object = try? JSONSerialization.jsonObject(with: Data(line)) as? [String: Any],
                let event = object["event"] as? String, ["epoch", "step"].contains(event)
            else { continue }
            let numbers = object.compactMapValues { ($0 as? NSNumber)?.doubleValue }
            return numbers.filter { !["epoch", "step"].contains($0.key) }
        }
        return nil
    }
}
