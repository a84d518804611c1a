import Foundation
import MIORunFolder
import ProcessSupport
import SmallJobs
import Testing

/// `mio train` on several hosts, of which some are lost, fail, or come back: with a real `mpirun`, and hosts that this machine
/// pretends to be. A run ends with the bits of one that nobody has disturbed.
@Suite(.serialized) struct HostTests {
    private static let epochs = 10_000

    private static let settings = [
        "--set", "training.epochs=\(epochs)", "--set", "training.reproducible=strict", "--set",
        "checkpoints.every_epochs=20",
    ]

    private func train(
        _ hosts: PretendedHosts, _ options: [String] = [], hostSeconds: Int = 5, in small: SmallJob
    ) throws -> SpawnedProcess {
        try SpawnedProcess(
            hosts.wrapper + ["env", "-C", small.folder.path, BuiltProgram.path("mio")]
                + [
                    "train", "-n", "2", "--hosts", "pretended1:1,pretended2:1", "--host-seconds",
                    "\(hostSeconds)",
                ]
                + options
                + Self.settings + hosts.arguments)
    }

    private func folder(_ small: SmallJob) -> RunFolder { RunFolder(small.path("runs/small")) }

    private func weights(_ small: SmallJob) throws -> Data {
        try Data(contentsOf: URL(filePath: small.path("runs/small/model.safetensors")))
    }

    private static let reference = Result {
        let small = try SmallJob()
        let run = try mio(["train"] + settings, in: small)
        guard run.status == 0 else { throw SpawnedProcess.Failure(run.errors) }
        return try Data(contentsOf: URL(filePath: small.path("runs/small/model.safetensors")))
    }

    /// An attempt has carried the run forward.
    private func waitForProgress(_ attempt: Int, _ small: SmallJob, _ started: SpawnedProcess) throws {
        try waitUntil("attempt \(attempt) writes a checkpoint") {
            let status = try folder(small).status()
            let from = try folder(small).ledger()?.attempts.last { $0.number == attempt }?.fromStep ?? 0
            return !started.isRunning
                || status?.attempt == attempt && status?.state == .running
                    && (status?.checkpoint ?? 0) > from
        }
        #expect(started.isRunning)
    }

    private func events(_ small: SmallJob, _ kind: SupervisionEvent.Kind) throws -> [SupervisionEvent] {
        try folder(small).events.read().events.filter { $0.event == kind }
    }

    /// A host vanishes, with all that it ran, or its cable is cut; the run goes on without it, and with it when it is back.
    @Test(arguments: [false, true]) func aLostHostIsLeftOutUntilItIsBack(isCut: Bool) throws {
        let small = try SmallJob()
        let hosts = try PretendedHosts(in: small, isCut ? HostNetworks() : nil)
        let started = try train(hosts, ["--rejoin-seconds", "1"], in: small)
        try waitForProgress(1, small, started)
        try hosts.lose("pretended2")
        try waitForProgress(2, small, started)
        // It must not finish before the host is back.
        let rank = try #require(hosts.rank(on: "pretended1"))
        kill(rank, SIGSTOP)
        try hosts.bringBack("pretended2")
        try waitUntil("the host is seen") {
            try !started.isRunning
                || events(small, .hosts).contains {
                    $0.text?.contains("pretended2 is back: the run stops") == true
                }
        }
        kill(rank, SIGCONT)
        let run = try started.wait(atMost: 120)
        #expect(run.status == 0, "\(run.errors)")
        #expect(try weights(small) == Self.reference.get())
        let ends = try events(small, .end).compactMap(\.end)
        #expect(ends.map(\.cause) == [.hostLost, .regrouped, .finished], "\(ends)")
        #expect(ends.first?.host == "pretended2")
        let attempts = try #require(try folder(small).ledger()?.attempts)
        try #require(attempts.count == 3)
        #expect(attempts.map(\.ranks) == [2, 1, 2])
        #expect(attempts[1].launch.contains("pretended1:1"))
        #expect(attempts[2].launch.contains("pretended1:1,pretended2:1"))
        #expect(
            run.errors.contains(
                "mio: pretended2 does not answer: going on without, with 1 rank instead of 2\n"),
            "\(run.errors)")
        #expect(
            run.errors.contains("mio: pretended2 is back; going on with all hosts and 2 ranks\n"),
            "\(run.errors)")
    }

    /// A run that has lost a host, and waits, for it needs both.
    private func waiting(_ hosts: PretendedHosts, in small: SmallJob, _ settings: [String] = []) throws
        -> SpawnedProcess
    {
        let started = try train(hosts, ["--min-ranks", "2"] + settings, in: small)
        try waitForProgress(1, small, started)
        try hosts.lose("pretended2")
        try waitUntil("the run waits") {
            try !started.isRunning
                || events(small, .hosts).contains {
                    $0.text?.contains("waiting until hosts are back") == true
                }
        }
        return started
    }

    /// Those whom the job names hear of all of it, though the run has a new lease since the loss.
    @Test func aRunWithTooFewHostsWaitsForThem() throws {
        let small = try SmallJob()
        let hosts = try PretendedHosts(in: small)
        let told = small.path("told")
        let started = try waiting(
            hosts, in: small,
            ["--set", "notifications=[{command: [tee, -a, \(told)], on: [restarted, warning, finished]}]"])
        try hosts.bringBack("pretended2")
        let run = try started.wait(atMost: 120)
        #expect(run.status == 0, "\(run.errors)")
        #expect(try weights(small) == Self.reference.get())
        #expect(try folder(small).ledger()?.attempts.map(\.ranks) == [2, 2])
        #expect(run.errors.contains("mio: pretended2 is back; going on with all hosts"), "\(run.errors)")
        let messages = try String(contentsOfFile: told, encoding: .utf8)
        for event in ["restarted", "warning", "finished"] {
            #expect(messages.contains("\"event\":\"\(event)\""), "\(messages)")
        }
    }

    @Test func aRunThatWaitsForHostsCanBeStopped() throws {
        let small = try SmallJob()
        let started = try waiting(try PretendedHosts(in: small), in: small)
        started.signal(SIGINT)
        let run = try started.wait(atMost: 30)
        #expect(run.status == 75, "\(run.errors)")
        #expect(try folder(small).status()?.end?.cause == .stoppedByUser)
    }

    /// One whose ssh never answers: the launch does not wait for it for ever.
    @Test func aHostThatNeverAnswersIsLeftOut() throws {
        let small = try SmallJob()
        let hosts = try PretendedHosts(in: small)
        try hosts.silence("pretended2")
        let run = try train(hosts, hostSeconds: 1, in: small).wait(atMost: 120)
        #expect(run.status == 0, "\(run.errors)")
        #expect(try weights(small) == Self.reference.get())
        let ends = try events(small, .end).compactMap(\.end)
        #expect(ends.map(\.cause) == [.hostLost, .finished], "\(ends)")
        #expect(ends.first?.host == "pretended2")
        #expect(
            ends.first?.text.hasPrefix("pretended2 does not answer, and the run has stood still for ") == true
        )
        #expect(try folder(small).ledger()?.attempts.last?.ranks == 1)
    }

    @Test func aHostOnWhichRanksFailIsSuspect() throws {
        let small = try SmallJob()
        let hosts = try PretendedHosts(in: small)
        let started = try train(hosts, in: small)
        for attempt in 1...3 {
            try waitForProgress(attempt, small, started)
            kill(try #require(hosts.rank(on: "pretended2")), SIGKILL)
        }
        let run = try started.wait(atMost: 120)
        #expect(run.status == 0, "\(run.errors)")
        #expect(try weights(small) == Self.reference.get())
        let ends = try events(small, .end).compactMap(\.end)
        #expect(ends.map(\.cause) == [.crashed, .crashed, .crashed, .finished], "\(ends)")
        #expect(ends.dropLast().allSatisfy { $0.host == "pretended2" && $0.rank == 1 }, "\(ends)")
        #expect(try folder(small).ledger()?.attempts.map(\.ranks) == [2, 2, 2, 1])
        #expect(
            run.errors.contains(
                "mio: ranks on pretended2 failed 3 times in a row (to use it again, stop the run and start it again): "
                    + "going on without, with 1 rank instead of 2\n"), "\(run.errors)")
    }

    /// A rank of another machine tells what it is at by a connection; one that is stopped tells nothing.
    @Test func aStoppedRankOfAnotherHostIsNamed() throws {
        let small = try SmallJob()
        let hosts = try PretendedHosts(in: small)
        let started = try train(hosts, ["--hang-seconds", "8"], hostSeconds: 60, in: small)
        try waitForProgress(1, small, started)
        kill(try #require(hosts.rank(on: "pretended2")), SIGSTOP)
        let run = try started.wait(atMost: 120)
        #expect(run.status == 0, "\(run.errors)")
        #expect(try weights(small) == Self.reference.get())
        let ends = try events(small, .end).compactMap(\.end)
        #expect(ends.map(\.cause) == [.hang, .finished], "\(ends)")
        #expect(ends.first?.rank == 1)
        #expect(ends.first?.host == "pretended2")
        #expect(ends.first?.text.hasPrefix("rank 1 on pretended2 has not been heard for ") == true, "\(ends)")
    }

    @Test func aLostHostIsOnlyReported() throws {
        let small = try SmallJob()
        let hosts = try PretendedHosts(in: small)
        let started = try train(hosts, ["--report-only"], in: small)
        try waitForProgress(1, small, started)
        try hosts.lose("pretended2")
        let run = try started.wait(atMost: 120)
        #expect(run.status != 0)
        #expect(
            run.errors.contains("mio: would start the run again from the checkpoint of step "),
            "\(run.errors)")
        #expect(try folder(small).ledger()?.attempts.map(\.end?.cause) == [.hostLost])
        #expect(try folder(small).status()?.end?.host == "pretended2")
    }

    /// Before the run has ever begun a wrong name is more likely than a host that comes back.
    @Test func aRunWithoutAHostDoesNotBegin() throws {
        let small = try SmallJob()
        let hosts = try PretendedHosts(in: small)
        for host in ["pretended1", "pretended2"] { try hosts.lose(host) }
        let run = try train(hosts, in: small).wait(atMost: 120)
        #expect(run.status != 0)
        #expect(run.errors.contains("pretended1, pretended2 do not answer"), "\(run.errors)")
        #expect(!FileManager.default.fileExists(atPath: small.path("runs")))
    }

    private enum Failure: String, CaseIterable {
        /// A launcher's own error, which does not come again.
        case error = "echo 'a socket is in use' >&2; exit 213"
        case wait = "exec sleep 600"
        case success = "exit 0"
    }

    @Test(arguments: Failure.allCases) private func aLaunchThatStartsNoRankIsTriedAgain(_ failure: Failure)
        throws
    {
        let small = try SmallJob()
        let script = """
            #!/bin/sh
            case "$*" in *--version) ;; *)
                if mkdir failed 2>/dev/null; then \(failure.rawValue); fi ;;
            esac
            PATH=$(echo "$PATH" | sed 's/^[^:]*://')
            exec mpirun "$@"

            """
        _ = try small.folder.write(Array(script.utf8), to: "mpirun")
        #expect(chmod(small.path("mpirun"), 0o700) == 0)
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let run = try SpawnedProcess([
            "env", "-C", small.folder.path, "PATH=\(small.folder.path):\(path)", BuiltProgram.path("mio"),
            "train",
            "-n", "2", "--launch-seconds", "10",
        ]).wait(atMost: 120)
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.errors.contains("; starting again from the beginning\n"), "\(run.errors)")
        let ends = try events(small, .end).compactMap(\.end)
        #expect(ends.map(\.cause) == [.unknown, .finished], "\(ends)")
        if failure == .wait {
            #expect(ends.first?.text == "no rank has begun 10 s after the launch (--launch-seconds)")
        }
    }
}
