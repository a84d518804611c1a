import Foundation
import MIOBase
import MIODaemonClient
import MIORunFolder
import ProcessSupport
import SmallJobs
import Testing

extension FaultCampaignTests {
    /// The daemon is killed, with others or alone, its index is damaged, and submits are cut off: nothing submitted is lost.
    @Suite struct DaemonFaultTests {
        private enum Fault: String, CaseIterable {
            case killDaemon, killDaemonAndSupervisor, killDaemonAndRank, killSupervisor
            case damageIndex, removeIndex
            case killDaemonWhileSubmitting, submitTwice
        }

        private let campaign = Campaign("daemon", share: 0.06, few: 2)

        @Test func everyRunEndsAsIfThereWereNoFault() throws {
            try campaign.run {
                let daemon = try DisturbedDaemon()
                for id in ["first", "second", "third"] { try daemon.submit(id) }
                for _ in 0..<4 where !campaign.isOver {
                    campaign.pause(atMost: 1.5)
                    let fault = campaign.element(of: Fault.allCases)
                    campaign.note(fault.rawValue, happened: try inject(fault, daemon))
                    try daemon.serve()
                }
                for id in daemon.submitted.sorted() {
                    let folder = daemon.folder(id)
                    try waitUntil("\(campaign.place): \(id) is finished", atMost: 180) {
                        usleep(50_000)
                        return try folder.status()?.state == .finished
                    }
                    let weights = try Data(contentsOf: URL(filePath: folder.path + "/model.safetensors"))
                    #expect(
                        try weights == DisturbedRun.undisturbedWeights.get(), "\(campaign.place): \(id)")
                }
                #expect(try daemon.runs() == daemon.submitted, "\(campaign.place)")
            }
        }

        private func inject(_ fault: Fault, _ daemon: DisturbedDaemon) throws -> Bool {
            let id = campaign.element(of: daemon.submitted.sorted())
            let run = daemon.folder(id)
            func endSupervisor() throws -> Bool {
                guard let lease = try run.lease(), !lease.isReleased else { return false }
                return DisturbedRun.send(SIGKILL, Int32(lease.holder.process))
            }
            switch fault {
            case .killDaemon: try daemon.end()
            case .killDaemonAndSupervisor:
                try daemon.end()
                return try endSupervisor()
            case .killDaemonAndRank:
                let rank = RankProcesses(run.path).ranks[0]
                try daemon.end()
                return DisturbedRun.send(SIGKILL, rank)
            case .killSupervisor: return try endSupervisor()
            case .damageIndex:
                try daemon.end()
                guard var bytes = FileManager.default.contents(atPath: daemon.index), !bytes.isEmpty else {
                    return false
                }
                for _ in 0..<50 {
                    bytes[campaign.number(below: bytes.count)] = UInt8(campaign.number(below: 256))
                }
                try bytes.write(to: URL(filePath: daemon.index))
            case .removeIndex:
                try daemon.end()
                for end in ["", "-wal", "-shm"] {
                    try? FileManager.default.removeItem(atPath: daemon.index + end)
                }
            case .killDaemonWhileSubmitting:
                let new = "late-\(campaign.injected)"
                let submit = try daemon.startSubmit(new)
                campaign.pause(atMost: 0.1)
                try daemon.end()
                // Whoever was not answered asks again, with the same id.
                let answered = try submit.wait(atMost: 60).status == 0
                try daemon.serve()
                if !answered { try daemon.submit(new) }
                daemon.submitted.insert(new)
            case .submitTwice: try daemon.submit(id)
            }
            return true
        }
    }
}

/// `mio-coordinator serve` with two cores, and runs of one rank.
private final class DisturbedDaemon {
    private let small: SmallJob
    private let socket: String
    private var process: SpawnedProcess?
    var submitted: Set<String> = []

    init() throws {
        small = try SmallJob()
        socket = small.path("private/daemon.sock")
        try serve()
    }

    deinit { process?.signal(SIGKILL) }

    var index: String { small.path("private/runs.sqlite") }

    func folder(_ id: String) -> RunFolder { RunFolder(small.path("runs/" + id)) }

    private func coordinator(_ arguments: [String]) throws -> SpawnedProcess {
        try SpawnedProcess(
            [BuiltProgram.path("mio-coordinator")] + arguments + [
                "--runs", small.folder.path, "--index", index,
            ],
            environment: MPIEnvironment.variables)
    }

    /// Starts it unless it is there. An index that it does not take is made anew, as its message says.
    func serve() throws {
        if process?.isRunning == true { return }
        for isFirst in [true, false] {
            let started = try coordinator(["serve", "--socket", socket, "--cores", "2"])
            try waitUntil("the daemon listens") { UnixConnection.isAnswered(socket) || !started.isRunning }
            process = started
            if started.isRunning { return }
            let errors = try started.wait(atMost: 1).errors
            guard isFirst, errors.contains("mio-coordinator reindex") else {
                throw SpawnedProcess.Failure(errors)
            }
            let made = try coordinator(["reindex"]).wait(atMost: 60)
            #expect(made.status == 0, "\(made.errors)")
        }
    }

    func end() throws {
        process?.signal(SIGKILL)
        _ = try process?.wait(atMost: 20)
    }

    func startSubmit(_ id: String) throws -> SpawnedProcess {
        try SpawnedProcess(
            [
                BuiltProgram.path("mio"), "submit", "-n", "1", small.path("job.yaml"), "--id", id, "--socket",
                socket,
            ]
                + [
                    "training.epochs=\(DisturbedRun.epochs)", "training.reproducible=strict",
                    "checkpoints.every_epochs=5",
                ].flatMap { ["--set", $0] })
    }

    func submit(_ id: String) throws {
        let run = try startSubmit(id).wait(atMost: 60)
        #expect(run.status == 0, "\(id): \(run.errors)")
        submitted.insert(id)
    }

    /// The names of all runs that there are.
    func runs() throws -> Set<String> {
        Set(
            try FileManager.default.contentsOfDirectory(atPath: small.path("runs")).filter { $0.first != "." }
        )
    }
}
