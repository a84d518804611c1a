import Foundation
import MIOBase
import MIORunFolder
import Testing

extension FaultCampaignTests {
    /// A bit of one replica's weights flips, or a number of one rank is none any more.
    @Suite struct NumberFaultTests {
        private let campaign = Campaign("numbers", share: 0.06, few: 2)

        @Test func everyRunEndsAsIfThereWereNoFault() throws {
            try campaign.run {
                // Strict runs want a power of two.
                let ranks = 2 << campaign.number(below: 2)
                let rank = campaign.number(below: ranks)
                let step = 1 + campaign.number(below: 6 * DisturbedRun.epochs - 60)
                let isNaN = campaign.number(below: 3) == 0
                let fault =
                    (isNaN ? "nan" : "flip") + " rank=\(rank) step=\(step) bit=\(campaign.number(below: 32))"
                // As if each rank were on a machine of its own: ranks of one share their weights.
                let run = try DisturbedRun(
                    ranks: ranks, ["--set", "training.replica_check={every_steps: 20}"],
                    environment: ["MIO_INJECT": fault, "MIO_RANKS_PER_GROUP": "1"])
                let end = try run.supervisor.wait(atMost: 180)
                campaign.note(isNaN ? "nan" : "flip")
                if end.status == 76 {
                    // Met before the replicas were compared: the run was ended, and goes on without the fault.
                    #expect(isNaN || end.errors.contains("inf"), "\(campaign.place): \(fault): \(end.errors)")
                    let again = try DisturbedRun(ranks: ranks, in: run.small)
                    try again.finish(campaign, causes: [.diverged])
                    return
                }
                let events = try run.folder.events.read().events
                #expect(
                    events.contains { $0.event == .rollback && $0.text?.contains("replicas differ") == true },
                    "\(campaign.place): \(fault): \(end.errors)")
                try run.finish(campaign, causes: [])
            }
        }
    }
}
