import Foundation
import MIODaemonClient
import MIOFiles
import MIORunFolder
import ProcessSupport
import SmallJobs
import Testing

/// The commands that work on the folder of a run.
@Suite struct RunCommandTests {
    private func folder(_ small: SmallJob) -> RunFolder { RunFolder(small.path("runs/small")) }

    /// Also the end of a log of which the middle is left out.
    @Test func aFollowedLogGoesOnToItsEnd() throws {
        let small = try SmallJob()
        let training = try start(
            [
                "train", "-n", "1", "--set", "training.epochs=30000", "--set",
                "checkpoints.every_epochs=10000",
            ], in: small)
        try waitUntil("a log") {
            !Folder.isMissing(folder(small).logPath(attempt: 1, rank: 0)) || !training.isRunning
        }
        let follower = try start(["logs", "-f", "small"], in: small)
        #expect(try training.wait(atMost: 120).status == 0)
        let followed = try follower.wait(atMost: 30)
        #expect(followed.status == 0)
        let lines = followed.output.split(separator: "\n").filter { $0.contains(" done  step ") }
        #expect(lines.last?.hasPrefix("epoch 30000/30000 done") == true)
        // Nobody waited for the follower: of a fast run it may have missed what was left out meanwhile, and says so.
        #expect(lines.count == 30000 || followed.output.contains("… (left out) …"))
        #expect(try mio("logs", "-f", "small", "--rank", "9", in: small).status == 66)
        let attempt = try mio("logs", "-f", "small", "--attempt", "9", in: small)
        #expect(attempt.errors.contains("has no attempt 9; its attempts are 1 to 1"), "\(attempt.errors)")
    }

    /// What was run with a job named by the environment.
    @Test func aRetryTrainsTheSameJob() throws {
        let small = try SmallJob()
        try FileManager.default.createDirectory(
            atPath: small.path("other"), withIntermediateDirectories: true)
        let text = try String(contentsOfFile: small.path("job.yaml"), encoding: .utf8)
        let job = text.replacing("name: small", with: "name: alpha").replacing(
            "train.npz", with: "../train.npz"
        )
        .replacing("validation.npz", with: "../validation.npz").replacing(
            "test.npz", with: "../test.npz")
        try AtomicFile.write(job, to: small.path("other/a.yaml"))
        let run = try SpawnedProcess(
            ["env", "-C", small.folder.path, BuiltProgram.path("mio"), "train"],
            environment: ["MIO_JOB": "other/a.yaml"]
        ).wait(atMost: 60)
        #expect(run.status == 0, "\(run.errors)")
        let retry = try mio("retry", "--dry-run", "other/runs/alpha", in: small)
        #expect(retry.errors.hasSuffix("mio train other/a.yaml\n"), "\(retry.errors)")
    }

    @Test func aPlusInAPathIsPartOfIt() throws {
        let small = try SmallJob()
        try FileManager.default.createDirectory(atPath: small.path("a+b"), withIntermediateDirectories: true)
        try FileManager.default.moveItem(atPath: small.path("train.npz"), toPath: small.path("a+b/t+1.npz"))
        #expect(try mio("train", "--set", "data.train.files=a+b/t+1.npz", in: small).status == 0)
        let verified = try mio("verify", "small", in: small)
        #expect(verified.status == 0, "\(verified.output)")
        try Folder.remove(small.path("a+b/t+1.npz"))
        let missing = try mio("verify", "small", in: small)
        #expect(missing.status == 65)
        #expect(missing.output.contains("a+b/t+1.npz: missing"), "\(missing.output)")
    }

    @Test(arguments: [
        ["runs"], ["runs", "--json"], ["show", "small"], ["logs", "small"], ["logs", "-f", "small"],
        ["watch", "small"], ["watch", "--once", "small"], ["verify", "small"],
        ["compare", "small", "small"],
    ]) func whatCannotBeWrittenIsTold(command: [String]) throws {
        let small = try SmallJob()
        #expect(try mio("train", in: small).status == 0)
        let words = command.map { "'\($0)'" }.joined(separator: " ")
        let run = try SpawnedProcess([
            "sh", "-c",
            "cd '\(small.folder.path)'; exec '\(try BuiltProgram.path("mio"))' \(words) >/dev/full",
        ]).wait(atMost: 60)
        #expect(run.status == 74, "\(run.errors)")
        #expect(
            run.errors.contains("cannot write to standard output: No space left on device"), "\(run.errors)")
    }

    /// A name may hold what a terminal would obey.
    @Test func namesAreEscaped() throws {
        let small = try SmallJob()
        #expect(
            try mio("train", "--set", #"name="a\e[31mb""#, "--set", "run_directory=runs/small", in: small)
                .status == 0)
        for command in [
            ["show", "small"], ["runs"], ["watch", "--once", "small"], ["prune", "--dry-run", "."],
        ] {
            let run = try mio(command, in: small)
            #expect(!run.output.contains("\u{1B}"), "\(command): \(run.output)")
        }
    }

    /// Whatever characters a name has, JSON that is printed is JSON.
    @Test func printedJSONIsJSON() throws {
        let small = try SmallJob()
        let name = "a\u{200B}b\u{200D}c\u{2028}d\u{202E}e\u{FEFF}f\u{E0001}g\u{85}h"
        var ledger = RunLedger(id: "1", name: name, mioVersion: "0", command: [], workingDirectory: "/")
        ledger.attempts = [RunLedger.Attempt(number: 1, ranks: 1, launch: ["mio-worker"])]
        try Folder.create(folder(small).path)
        try folder(small).write(ledger)
        for command in [["runs", "--json"], ["show", "--json", "small"]] {
            let run = try mio(command, in: small)
            #expect(run.status == 0, "\(run.errors)")
            let object = try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any]
            let record = object?["record"] as? [String: Any] ?? object
            #expect(record?["name"] as? String == name, "\(run.output)")
            #expect(run.output.contains(#"f\udb40\udc01g\u0085h"#), "\(run.output)")
        }
    }

    /// A line break in a name forges no line.
    @Test func namesStayOnTheirLine() throws {
        let small = try SmallJob()
        let name = "a\nforged"
        var ledger = RunLedger(id: "1", name: name, mioVersion: "0", command: [], workingDirectory: "/")
        ledger.attempts = [RunLedger.Attempt(number: 1, ranks: 1, launch: ["mio-worker", name])]
        let paths = ["runs/" + name, "runs/b"]
        for path in paths {
            try Folder.create(small.path(path))
            try RunFolder(small.path(path)).write(ledger)
        }
        for command in [
            ["runs"], ["show", name], ["stop", name], ["retry", name], ["logs", name], ["verify", name],
        ] {
            let run = try mio(command, in: small)
            let lines = (run.output + run.errors).split(separator: "\n")
            #expect(!lines.isEmpty, "\(command)")
            #expect(!lines.contains { $0.hasPrefix("forged") }, "\(command): \(lines)")
        }
    }

    /// A run that never began has no job, and keeps none of the others.
    @Test func pruneGoesOn() throws {
        let small = try SmallJob()
        #expect(
            try mio("train", "--set", "checkpoints.keep=5", "--set", "checkpoints.every_steps=2", in: small)
                .status == 0)
        let checkpoints = folder(small).checkpointsPath
        func steps() throws -> Int { try Folder.names(in: checkpoints).count { $0.hasPrefix("step-") } }
        #expect(try steps() > 1)
        try Folder.create(small.path("runs/never"))
        var status = RunStatus(state: .failed, attempt: 0)
        status.ranks = 1
        try RunFolder(small.path("runs/never")).write(status)
        let never = try mio("prune", "never", in: small)
        #expect(never.status == 0, "\(never.errors)")
        let all = try mio("prune", "none", "never", "small", in: small)
        #expect(all.status == 66)
        #expect(all.errors.hasPrefix("mio: none: no run; expected"), "\(all.errors)")
        #expect(try steps() == 1)
        // With checkpoints its job knows what stays.
        try Folder.remove(folder(small).jobPath)
        #expect(try mio("prune", "small", in: small).status == 66)
    }

    /// A run that stops does not go on by itself.
    @Test func aRunThatStopsIsNotRetried() throws {
        let small = try SmallJob()
        try Folder.create(folder(small).path)
        try folder(small).write(
            RunLedger(
                id: "1", name: "small", mioVersion: "0", command: ["mio", "train"], workingDirectory: "/"))
        // Written by this process, which is at work.
        try folder(small).write(RunStatus(state: .stopping, attempt: 1))
        let retry = try mio("retry", "small", in: small)
        #expect(retry.status == 64)
        #expect(
            retry.errors.contains("the run is stopping; wait until it has ended"), "\(retry.errors)")
    }

    /// How a run ended that never began is said once.
    @Test func theEndIsShownOnce() throws {
        let small = try SmallJob()
        var submission = Submission(
            id: "a", name: "a", job: small.path("job.yaml"), ranks: 1, settings: [], by: "me")
        submission.requests[0].end = Submission.End(exitCode: 65, text: "mio: a bad job")
        try Folder.create(folder(small).path)
        try FolderJSON.write(submission, to: Folder.join(folder(small).path, Submission.name))
        var status = RunStatus(state: .waiting, attempt: 0)
        status.ranks = 1
        try folder(small).write(status)
        let shown = try mio("show", "small", in: small)
        #expect(shown.output.components(separatedBy: "a bad job").count == 2, "\(shown.output)")
    }

    /// A port that another program has is told with the place and what to do.
    @Test func aTakenPortIsTold() throws {
        let small = try SmallJob()
        func serve(_ name: String, _ port: String) throws -> SpawnedProcess {
            try SpawnedProcess(
                [
                    "env", "-C", small.folder.path, BuiltProgram.path("mio-coordinator"), "serve", "--runs",
                    ".",
                    "--cores", "1", "--socket", small.path(name + ".sock"), "--scheduler", "none", "--index",
                    small.path(name + ".sqlite"), "--port", port,
                ], environment: ["XDG_STATE_HOME": small.path("state")])
        }
        // Whatever listens there already serves as well.
        let port = "\(20_000 + getpid() % 10_000)"
        let first = try serve("a", port)
        defer { first.signal(SIGTERM) }
        try waitUntil("a daemon") { UnixConnection.isAnswered(small.path("a.sock")) || !first.isRunning }
        usleep(300_000)
        let second = try serve("b", port).wait(atMost: 60)
        #expect(second.status == 74, "\(second.errors)")
        #expect(
            second.errors.contains(
                "mio-coordinator: cannot listen on 127.0.0.1:\(port): Address already in use; end the program"
            ),
            "\(second.errors)")
    }

    /// A file that may not grow ends a program with a message.
    @Test func aLimitOfFileSizesIsTold() throws {
        let small = try SmallJob()
        let run = try SpawnedProcess([
            "sh", "-c",
            "cd '\(small.folder.path)'; ulimit -f 8; exec '\(try BuiltProgram.path("mio"))' train -n 1 --restarts 0",
        ]).wait(atMost: 60)
        #expect(run.status == 74, "\(run.errors)")
        #expect(run.errors.contains("ulimit -f"), "\(run.errors)")
    }

    /// mpirun says neither what is full nor where.
    @Test func aFullFolderForTemporaryFilesIsTold() throws {
        let small = try SmallJob()
        let temporary = small.path("tmp")
        let mount = try OwnMount(
            temporary,
            by: "mount -t tmpfs -o size=1m tmpfs '\(temporary)' && touch '\(temporary)/there' && "
                + "(cat /dev/zero >'\(temporary)/full'; exec sleep 100000)")
        try waitUntil("it is full") {
            (try? FileManager.default.attributesOfItem(atPath: mount.seen(temporary + "/full"))[.size] as? Int)
                ?? 0
                >= 1 << 20
        }
        let run = try SpawnedProcess(
            mount.wrapper + ["env", "-C", small.folder.path, BuiltProgram.path("mio"), "train", "-n", "2"],
            environment: ["TMPDIR": temporary]
        ).wait(atMost: 60)
        #expect(run.status == 74, "\(run.errors)")
        #expect(
            run.errors.contains("mio: \(temporary): No space left on device, and mpirun needs"),
            "\(run.errors)")
    }

    // MARK: The queue

    @Test func aRunThatWaits() throws {
        let small = try SmallJob()
        let socket = small.path("daemon.sock")
        let daemon = try SpawnedProcess(
            [
                "env", "-C", small.folder.path, BuiltProgram.path("mio-coordinator"), "serve", "--runs", ".",
                "--cores", "1", "--socket", socket, "--scheduler", "none",
            ], environment: ["XDG_STATE_HOME": small.path("state")])
        defer { daemon.signal(SIGTERM) }
        try waitUntil("a daemon") { UnixConnection.isAnswered(socket) || !daemon.isRunning }
        func submit(_ id: String, _ more: [String] = []) throws -> SpawnedProcess.Outcome {
            try mio(["submit", "-n", "1", "job.yaml", "--id", id, "--socket", socket] + more, in: small)
        }
        let endless = try submit("a", ["--set", "training.epochs=100000000"])
        #expect(endless.status == 0, "\(endless.errors)")
        try waitUntil("the first runs") { RunView(RunFolder(small.path("runs/a"))).isAtWork }
        for id in ["b", "c"] { #expect(try submit(id).status == 0) }

        // It is watched until it ends, and is no failure.
        #expect(try mio("watch", "--once", "b", in: small).status == 0)
        let follower = try start(["logs", "-f", "b"], in: small)
        // It trains what was asked for, whatever becomes of the file.
        let job = try String(contentsOfFile: small.path("job.yaml"), encoding: .utf8)
        try AtomicFile.write(job.replacing("units: 8", with: "units: 16"), to: small.path("job.yaml"))
        let other = try submit("b")
        #expect(other.status != 0)
        #expect(other.errors.contains("has changed since the id b was submitted"), "\(other.errors)")
        // One that is not wanted any more is taken out.
        #expect(try mio("stop", "c", in: small).status == 0)
        #expect(try mio("wait", "c", in: small).status == 75)

        #expect(try mio("stop", "--wait", "a", in: small).status == 75)
        #expect(try mio("wait", "b", in: small).status == 0)
        let trained = try String(contentsOfFile: small.path("runs/b/job.yaml"), encoding: .utf8)
        #expect(trained.contains("units: 8") && !trained.contains("units: 16"))
        #expect(try follower.wait(atMost: 30).output.contains("epoch 2/2 done"))
        #expect(Folder.isMissing(small.path("runs/c/model.safetensors")))
    }
}
