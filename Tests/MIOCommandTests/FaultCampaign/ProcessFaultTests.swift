import Foundation
import MIOBase
import MIORunFolder
import Testing

extension FaultCampaignTests {
    /// Processes that are killed or stopped, one or two at once, and one that writes without end.
    @Suite struct ProcessFaultTests {
        private enum Fault: String, CaseIterable {
            case killRank, killBothRanks, stopRank
            case killLauncher, stopLauncher
            case killSupervisor, killSupervisorAtOnce, stopSupervisor
            case killRankAndSupervisor, killLauncherAndSupervisor
            case flood

            /// Takes a while to be found: not too often.
            var isSlow: Bool { [.stopRank, .stopLauncher, .flood].contains(self) }
        }

        private let campaign = Campaign("processes", share: 0.5, few: 6)

        @Test func everyRunEndsAsIfThereWereNoFault() throws {
            try campaign.run {
                let run = try DisturbedRun()
                // A run is disturbed some times, then left alone.
                for _ in 0..<3 where !campaign.isOver {
                    campaign.pause(atMost: 2.5)
                    guard run.supervisor.isRunning else { break }
                    let fault = campaign.element(of: Fault.allCases)
                    if fault.isSlow, campaign.number(below: 3) != 0 { continue }
                    let time = Timestamp.now
                    let happened = try inject(fault, run)
                    campaign.note(fault.rawValue, happened: happened)
                    // Also where only a part of the fault could be brought about.
                    try run.goOn()
                    if happened { watch(fault, run, since: time) }
                }
                try run.finish(campaign, causes: [.crashed, .hang, .stoppedByUser, .unknown])
                #expect(try logs(run) < 40 << 20, "\(campaign.place)")
            }
        }

        private func inject(_ fault: Fault, _ run: DisturbedRun) throws -> Bool {
            let rank = campaign.number(below: 2)
            switch fault {
            case .killRank: return run.end(rank: rank)
            case .killBothRanks: return run.end(rank: 0) && run.end(rank: 1)
            case .stopRank: return run.end(rank: rank, SIGSTOP)
            case .killLauncher: return run.endLauncher()
            case .stopLauncher: return run.endLauncher(SIGSTOP)
            case .killSupervisor: return run.endSupervisor()
            case .killSupervisorAtOnce:
                guard run.endSupervisor() else { return false }
                for _ in 0..<3 {
                    try run.launch()
                    campaign.pause(atMost: 0.4)
                    _ = run.endSupervisor()
                }
                return true
            case .stopSupervisor:
                run.supervisor.signal(SIGSTOP)
                campaign.pause(atMost: 2)
                run.supervisor.signal(SIGCONT)
                return true
            case .killRankAndSupervisor: return run.end(rank: rank) && run.endSupervisor()
            case .killLauncherAndSupervisor: return run.endLauncher() && run.endSupervisor()
            case .flood: return flood(run, rank: rank)
            }
        }

        /// A rank writes more than anybody wants to read.
        private func flood(_ run: DisturbedRun, rank: Int) -> Bool {
            guard let process = run.processes.ranks[rank] else { return false }
            // Closed by the other end when the rank is gone.
            signal(SIGPIPE, SIG_IGN)
            let output = open("/proc/\(process)/fd/2", O_WRONLY)
            guard output >= 0 else { return false }
            defer { close(output) }
            let line = [UInt8](("a line that is there for no one to read".utf8)) + [10]
            let piece = (0..<1000).flatMap { _ in line }
            var left =
                (ProcessInfo.processInfo.environment["MIO_FLOOD_MEGABYTES"].flatMap(Int.init) ?? 50) << 20
            while left > 0 {
                let count = piece.withUnsafeBytes { write(output, $0.baseAddress, $0.count) }
                guard count > 0 else { return true }
                left -= count
            }
            return true
        }

        /// Bytes of all logs of the ranks.
        private func logs(_ run: DisturbedRun) throws -> Int {
            let path = run.folder.path + "/logs"
            return try (FileManager.default.subpaths(atPath: path) ?? []).reduce(0) { sum, name in
                let size = try FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")[.size]
                return sum + ((size as? NSNumber)?.intValue ?? 0)
            }
        }

        /// How long it took until a killed rank was noticed, the next attempt had begun, and the run was where it had been.
        private func watch(_ fault: Fault, _ run: DisturbedRun, since time: Timestamp) {
            guard fault == .killRank else { return }
            var end: SupervisionEvent?
            for _ in 0..<600 {
                if end == nil {
                    end = (try? run.folder.events.read().events)?.last { $0.event == .end && $0.time > time }
                    campaign.note("killed ranks were noticed after", seconds: end.map { $0.time - time })
                }
                if let step = end?.end?.step, let status = try? run.folder.status(),
                    status.attempt > end?.attempt ?? 0, status.step >= step
                {
                    campaign.note("and their step was reached again after", seconds: Timestamp.now - time)
                    return
                }
                if !run.supervisor.isRunning { return }
                usleep(50_000)
            }
        }
    }
}
