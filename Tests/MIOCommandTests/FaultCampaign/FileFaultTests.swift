import Foundation
import MIOBase
import MIORunFolder
import Testing

extension FaultCampaignTests {
    /// Everything is killed, and what lies on the disk is not as it was left.
    @Suite struct FileFaultTests {
        private enum Fault: String, CaseIterable {
            case cutWeights, flipWeights, emptyWeights, removeWeights, removeCheckpoint
            case tearMetrics, tearEvents
            case removeShard, cutShard
        }

        private let campaign = Campaign("files", share: 0.2, few: 4)

        @Test func everyRunEndsAsIfThereWereNoFault() throws {
            try campaign.run {
                let run = try DisturbedRun()
                for _ in 0..<3 where !campaign.isOver {
                    campaign.pause(atMost: 2.5)
                    guard try run.endAll() else { break }
                    let fault = campaign.element(of: Fault.allCases)
                    campaign.note(fault.rawValue, happened: try inject(fault, run))
                    try run.goOn()
                }
                try run.finish(campaign, causes: [.badInput])
            }
        }

        private func inject(_ fault: Fault, _ run: DisturbedRun) throws -> Bool {
            switch fault {
            case .cutWeights: try change(weights(run)) { $0.removeLast(min(100, $0.count)) }
            case .emptyWeights: try change(weights(run)) { $0 = Data() }
            case .flipWeights:
                try change(weights(run)) { bytes in
                    // Not in the header, whose damage others find.
                    let place = bytes.count - 1 - campaign.number(below: min(200, bytes.count))
                    bytes[place] ^= 1 << UInt8(campaign.number(below: 8))
                }
            case .removeWeights: try remove(weights(run))
            // Others are left, or the run begins again.
            case .removeCheckpoint: try remove(run.checkpoints.last)
            case .tearMetrics: try tear(run.folder.path + "/metrics.jsonl")
            case .tearEvents: try tear(run.folder.path + "/events.jsonl")
            case .removeShard, .cutShard: try loseShard(fault, run)
            }
        }

        /// Of the newest checkpoint, if there is one before it.
        private func weights(_ run: DisturbedRun) -> String? {
            let all = run.checkpoints
            return all.count > 1 ? all.last! + "/weights.safetensors" : nil
        }

        private func change(_ path: String?, _ body: (inout Data) -> Void) throws -> Bool {
            guard let path, var bytes = FileManager.default.contents(atPath: path), !bytes.isEmpty else {
                return false
            }
            body(&bytes)
            try bytes.write(to: URL(filePath: path))
            return true
        }

        private func remove(_ path: String?) throws -> Bool {
            guard let path, FileManager.default.fileExists(atPath: path) else { return false }
            try FileManager.default.removeItem(atPath: path)
            return true
        }

        /// The last line is there in part, as when the machine went down while it was written.
        private func tear(_ path: String) throws -> Bool {
            guard let text = FileManager.default.contents(atPath: path), text.count > 200 else {
                return false
            }
            let rest = text.suffix(150)
            try (text + rest.prefix(20 + campaign.number(below: 100)).filter { $0 != 10 }).write(
                to: URL(filePath: path))
            return true
        }

        /// Told in a sentence that names the file; the run goes on once it is back.
        private func loseShard(_ fault: Fault, _ run: DisturbedRun) throws -> Bool {
            let path = run.small.path("train.npz")
            let shard = try Data(contentsOf: URL(filePath: path))
            if fault == .removeShard {
                try FileManager.default.removeItem(atPath: path)
            } else {
                try shard.prefix(campaign.number(below: shard.count)).write(to: URL(filePath: path))
            }
            try run.launch()
            let end = try run.supervisor.wait(atMost: 60)
            #expect(end.status == (fault == .removeShard ? 66 : 65), "\(campaign.place): \(end.errors)")
            #expect(end.errors.contains("train.npz"), "\(campaign.place): \(end.errors)")
            try shard.write(to: URL(filePath: path))
            return true
        }
    }
}
