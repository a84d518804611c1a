import Foundation
import MIOBase
import MIORunFolder
import SmallJobs
import Testing

extension FaultCampaignTests {
    /// Hosts that vanish, do not answer, and come back.
    @Suite struct HostFaultTests {
        private enum Fault: String, CaseIterable {
            case loseHost, loseBothHosts, silenceHost, killRankOfHost
        }

        private let campaign = Campaign("hosts", share: 0.08, few: 1)

        @Test func everyRunEndsAsIfThereWereNoFault() throws {
            try campaign.run {
                let small = try SmallJob()
                // Hosts that are lost with what they run, or whose cable is cut.
                let isCut = campaign.number(below: 2) == 0
                let hosts = try PretendedHosts(in: small, isCut ? HostNetworks() : nil)
                let run = try DisturbedRun(
                    [
                        "--hosts", "pretended1:1,pretended2:1", "--host-seconds", "2", "--rejoin-seconds",
                        "1",
                    ] + hosts.arguments, wrapper: hosts.wrapper, in: small)
                for _ in 0..<2 where !campaign.isOver {
                    campaign.pause(atMost: 3)
                    guard run.supervisor.isRunning, try run.folder.status() != nil else { continue }
                    let fault = campaign.element(of: Fault.allCases)
                    campaign.note(
                        fault.rawValue + (isCut ? "ByCable" : ""), happened: try inject(fault, hosts))
                }
                try run.finish(campaign, causes: [.hostLost, .crashed, .regrouped, .unknown])
            }
        }

        private func inject(_ fault: Fault, _ hosts: PretendedHosts) throws -> Bool {
            let all = ["pretended1", "pretended2"]
            let host = campaign.element(of: all)
            switch fault {
            case .killRankOfHost: return DisturbedRun.send(SIGKILL, hosts.rank(on: host))
            case .loseHost, .loseBothHosts, .silenceHost:
                let lost = fault == .loseBothHosts ? all : [host]
                for host in lost {
                    try hosts.lose(host)
                    if fault == .silenceHost { try hosts.silence(host) }
                }
                campaign.pause(atMost: 4)
                for host in lost {
                    if fault == .silenceHost { try hosts.unsilence(host) }
                    try hosts.bringBack(host)
                }
                return true
            }
        }
    }
}
