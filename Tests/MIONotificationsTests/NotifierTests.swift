import Foundation
import MIOJob
import MIONotifications
import MIORunFolder
import ProcessSupport
import Synchronization
import TestFolders
import Testing

/// Which events are told, by a program that keeps what it reads.
@Suite struct NotifierTests {
    private let temporary: TemporaryFolder
    private let folder: RunFolder
    private let script: String

    init() throws {
        temporary = try TemporaryFolder()
        folder = RunFolder(temporary.path("run"))
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        script = try temporary.write(Array("#!/bin/sh\ncat >> \"$1\"\n".utf8), to: "script")
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: script)
    }

    private func notifier(
        on events: Set<RunNotification.Event> = Set(RunNotification.Event.allCases), generation: Int? = nil
    ) throws -> Notifier {
        try #require(
            Notifier(
                [RunNotification(.command(["sh", script, temporary.path("told")]), on: events)], of: folder,
                name: "garments", mioVersion: "0.1.0", generation: generation
            ) { Issue.record("\($0)") })
    }

    /// What was told when all is sent.
    private func told(_ notifier: Notifier) throws -> [NotificationMessage] {
        notifier.close { false }
        guard let bytes = try? temporary.bytes(of: "told") else { return [] }
        return try bytes.split(separator: UInt8(ascii: "\n")).map {
            try JSONDecoder().decode(NotificationMessage.self, from: Data($0))
        }
    }

    private let crash = RunEnd(
        .crashed, text: "rank 1 was ended by signal 9", exitCode: 137, signal: 9, rank: 1)
    private let hang = RunEnd(.hang, text: "rank 2 stands still", rank: 2, step: 7)

    @Test func aRunWithoutNotificationsTellsNobody() {
        #expect(
            Notifier([], of: folder, name: "x", mioVersion: "", generation: nil, onFailure: { _ in }) == nil)
    }

    @Test func aRunIsToldFromItsBeginningToItsEnd() throws {
        try folder.write(
            RunLedger(id: "the-id", name: "garments", mioVersion: "", command: [], workingDirectory: "/"))
        try folder.write(RunStatus(state: .running, attempt: 1, step: 5, epoch: 1, epochs: 2))
        let lines = [
            #"{"event":"step","step":4,"epoch":0,"loss":0.5}"#,
            #"{"event":"epoch","step":5,"epoch":1,"loss":0.25,"box_loss":"NaN"}"#,
            #"{"event":"left_out","step":6,"text":"x"}"#, #"{"event":"epo"#,
        ]
        try Data(lines.joined(separator: "\n").utf8).write(to: URL(filePath: folder.metricsPath))
        let notifier = try notifier()
        notifier.heard(SupervisionEvent(.supervised, attempt: 0))
        notifier.heard(SupervisionEvent(.attempt, attempt: 1))
        notifier.heard(SupervisionEvent(.end, attempt: 1, step: 6, end: crash))
        notifier.heard(SupervisionEvent(.restart, attempt: 1, text: crash.text, seconds: 0.5))
        notifier.heard(SupervisionEvent(.attempt, attempt: 2))
        notifier.heard(SupervisionEvent(.end, attempt: 2, step: 9, end: hang))
        notifier.heard(SupervisionEvent(.restart, attempt: 2, text: hang.text, seconds: 1))
        notifier.heard(SupervisionEvent(.attempt, attempt: 3))
        notifier.over(
            .finished, RunEnd(.finished, text: "all epochs are done", exitCode: 0, step: 12), step: 12)
        // Nothing comes after that.
        notifier.over(.failed, crash, step: 12)
        let told = try told(notifier)
        // The last one comes before what waits.
        #expect(told.map(\.event).sorted() == ["begun", "finished", "hang", "restarted", "restarted"])
        #expect(Set(told.map(\.id)).count == 5)
        #expect(told.allSatisfy { $0.run == "garments" && $0.runID == "the-id" && $0.folder == folder.path })
        let restart = try #require(told.first { $0.event == "restarted" })
        #expect(restart.text == "garments: starts again: rank 1 was ended by signal 9")
        #expect(restart.cause == "crashed")
        #expect(restart.rank == 1)
        #expect(restart.attempt == 1)
        let end = try #require(told.first { $0.event == "finished" })
        #expect(end.text == "garments: finished at step 12: all epochs are done")
        #expect(end.state == "finished")
        #expect(end.metrics == ["loss": 0.25])
    }

    @Test func onlyWhatIsAskedForIsTold() throws {
        let notifier = try notifier(on: [.failed])
        notifier.heard(SupervisionEvent(.attempt, attempt: 1))
        notifier.heard(SupervisionEvent(.end, attempt: 1, end: hang))
        notifier.over(.failed, crash, step: 3)
        let told = try told(notifier)
        #expect(told.map(\.event) == ["failed"])
        #expect(told.first?.step == 3)
        #expect(told.first?.exitCode == 137)
    }

    /// A supervisor that only reports starts nothing again: the hang is told all the same.
    @Test func aHangIsToldWhereItIsOnlyReported() throws {
        let notifier = try notifier(on: [.hang])
        notifier.heard(SupervisionEvent(.wouldDo, attempt: 1, text: "would end the ranks", end: hang))
        notifier.heard(SupervisionEvent(.wouldDo, attempt: 1, text: "would start the run again"))
        let told = try told(notifier)
        #expect(told.map(\.text) == ["garments: hangs: rank 2 stands still"])
    }

    /// Those that the ranks write, from where this supervisor began; of many in a minute one.
    @Test func whatTheRanksWriteIsTold() throws {
        try folder.events.append(
            SupervisionEvent(.nonFinite, attempt: 1, step: 1, text: "of an earlier supervisor"))
        let notifier = try notifier(on: [.nonFinite, .lossSpike])
        for step in 2...4 {
            try folder.events.append(
                SupervisionEvent(.nonFinite, attempt: 1, step: step, rank: 1, text: "at \(step)"))
        }
        try folder.events.append(SupervisionEvent(.lossSpike, attempt: 1, step: 5, text: "box"))
        try folder.events.append(SupervisionEvent(.end, attempt: 1, end: hang))
        notifier.look()
        notifier.look()
        notifier.over(.finished, RunEnd(.finished, text: ""), step: 6)
        let told = try told(notifier)
        #expect(told.map(\.event) == ["non_finite", "loss_spike"])
        #expect(told.first?.text == "garments: at 2")
        #expect(told.first?.step == 2)
        #expect(told.first?.rank == 1)
    }

    @Test func aSupervisorThatWasReplacedTellsNothing() throws {
        let lease = try HeldLease.take(folder)
        let notifier = try notifier(generation: lease.lease.generation)
        try lease.release()
        _ = try HeldLease.take(folder)
        notifier.over(.failed, crash, step: 3)
        #expect(try told(notifier).isEmpty)
    }

    /// After the loss of a host the same supervisor has the run under a new generation.
    @Test func aSupervisorThatHasRenewedItsLeaseTells() throws {
        let lease = try HeldLease.take(folder)
        let notifier = try notifier(generation: lease.lease.generation)
        try lease.renew()
        notifier.renewed(lease.lease.generation)
        notifier.over(.failed, crash, step: 3)
        #expect(try told(notifier).map(\.event) == ["failed"])
        try lease.release()
    }

    @Test func whatWouldNotWorkIsFoundBefore() throws {
        let open = try secret("0123456789abcdef", 0o644, in: temporary)
        let ok = try secret("0123456789abcdef", 0o600, in: temporary)
        func problem(_ way: RunNotification.Way, path: String = "/usr/bin:/bin") -> String? {
            RunNotification(way).problem(environment: ["PATH": path])
        }
        #expect(problem(.command([script])) == nil)
        #expect(problem(.command(["true"])) == nil)
        #expect(problem(.command(["true"]), path: "/nowhere") == "there is no program \"true\" in PATH")
        #expect(problem(.command([ok])) == "\(ok) is no program that can be started")
        #expect(problem(.webhook(.init(.url("https://example.org"), secretFile: ok))) == nil)
        #expect(
            problem(.webhook(.init(.url("https://example.org"), secretFile: open)))?.contains("chmod 600")
                == true)
        #expect(
            problem(.webhook(.init(.file("/nowhere/url"))))?.hasPrefix("cannot read /nowhere/url") == true)
        #expect(problem(.mail(.init(to: ["a"], sendmail: script))) == nil)
        #expect(
            problem(.mail(.init(to: ["a"], sendmail: "no-such-mailer")))?
                .hasPrefix("there is no program \"no-such-mailer\" in PATH, /usr/sbin or /usr/lib") == true)
    }
}
