import Foundation
import MIOBase
import MIOProcess
import Testing

@Suite struct RunningProgramTests {
    private func run(_ script: String, atMost seconds: Double = 30) throws -> (RunningProgram.End, String) {
        let program = try RunningProgram(["sh", "-c", script])
        return (program.wait(atMost: seconds), program.text)
    }

    @Test func bothOutputsAndTheStatusAreKept() throws {
        let (end, text) = try run("echo one; echo two >&2; exit 3")
        #expect(end == .exited(3))
        #expect(end.status == 3)
        #expect(text == "one\ntwo\n")
        #expect(try run("kill -KILL $$").0 == .killed(signal: SIGKILL))
    }

    @Test func errorsCanBeDropped() throws {
        let program = try RunningProgram(["sh", "-c", "echo one; echo two >&2"], keepsErrors: false)
        #expect(program.wait(atMost: 30) == .exited(0))
        #expect(program.text == "one\n")
    }

    @Test func itReadsMoreThanAPipeHolds() throws {
        let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0) }
        let program = try RunningProgram(["wc", "-c"], reading: bytes)
        #expect(program.wait(atMost: 60) == .exited(0))
        #expect(program.text.trimmingCharacters(in: .whitespacesAndNewlines) == "1000000")
    }

    @Test(arguments: [(RunningProgram.Kept.first(10), "1\n2\n3\n4\n5\n"), (.last(10), "8\n\n99\n100\n")])
    func partOfALongOutputIsKept(_ kept: RunningProgram.Kept, _ text: String) throws {
        let program = try RunningProgram(
            ["sh", "-c", "for i in 1 2 3 4 5 6 7 8 '' 99 100; do echo $i; done"], keeping: kept)
        #expect(program.wait(atMost: 30) == .exited(0))
        #expect(program.text == text)
    }

    @Test func itStartsInAFolderWithAnEnvironmentOfItsOwn() throws {
        let program = try RunningProgram(
            ["/bin/sh", "-c", "pwd; echo $ONE; echo ${HOME-none}"], environment: ["ONE": "1"], in: "/")
        #expect(program.wait(atMost: 30) == .exited(0))
        #expect(program.text == "/\n1\nnone\n")
    }

    /// Neither open files nor held or ignored signals go with it.
    @Test func itInheritsNothing() throws {
        let file = open("/dev/null", O_RDONLY)
        let ignored = signal(SIGUSR2, SIG_IGN)
        var (blocked, before) = (sigset_t(), sigset_t())
        sigemptyset(&blocked)
        sigaddset(&blocked, SIGUSR1)
        pthread_sigmask(SIG_BLOCK, &blocked, &before)
        defer {
            close(file)
            signal(SIGUSR2, ignored)
            pthread_sigmask(SIG_SETMASK, &before, nil)
        }
        let (end, text) = try run("ls /proc/self/fd | wc -w; grep -E 'SigBlk|SigIgn' /proc/self/status")
        #expect(end == .exited(0))
        let lines = text.split(separator: "\n")
        // Three, and the folder that ls reads.
        #expect(lines.first?.trimmingCharacters(in: .whitespaces) == "4", "\(text)")
        #expect(lines.dropFirst().allSatisfy { $0.hasSuffix("\t0000000000000000") }, "\(text)")
    }

    /// libc keeps signals 32 and 33 to itself and sets them for nobody; a service that ignores them hands that on to what it
    /// starts.
    @Test func itInheritsNoIgnoredSignalOfTheLibrary() throws {
        let before = try setAction(1, of: 32)
        defer { _ = try? setAction(before, of: 32) }
        let own = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        #expect(own.contains(/SigIgn:\t0{7}[0-9a-f][89a-f][0-9a-f]{7}\n/), "\(own)")
        let (end, text) = try run("grep SigIgn /proc/self/status")
        #expect(end == .exited(0))
        #expect(text == "SigIgn:\t0000000000000000\n")
    }

    /// Does what `sigaction` does, by the system call.
    /// - Returns: the action there was: 0 the usual one, 1 to ignore it.
    private func setAction(_ action: Int, of signal: Int) throws -> Int {
        typealias SystemCall =
            @convention(c) (
                Int, Int, UnsafePointer<Int>, UnsafeMutablePointer<Int>, Int
            ) -> Int
        #if arch(arm64)
            let number = 134
        #else
            let number = 13
        #endif
        let address = try #require(dlsym(nil, "syscall"))
        var before = [Int](repeating: 0, count: 8)
        let end = unsafeBitCast(address, to: SystemCall.self)(
            number, signal, [action] + [Int](repeating: 0, count: 7), &before, 8)
        try #require(end == 0)
        return before[0]
    }

    /// With what it has started, also where neither wants to end.
    @Test func itIsEndedWhenItTakesTooLong() throws {
        let began = ContinuousClock.now
        let (end, text) = try run(
            "trap '' TERM; (trap '' TERM; exec sleep 1000) & echo $!; wait; sleep 1000", atMost: 0.5)
        #expect(end == .late)
        #expect(end.status == nil)
        #expect(began.duration(to: .now) < .seconds(20))
        let child = try #require(pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)))
        try expectGone(child)
    }

    @Test func itIsEndedWhenNobodyWaits() throws {
        let program = try RunningProgram(["sleep", "1000"])
        #expect(program.look() == nil)
        #expect(program.wait(atMost: 1000, isAbandoned: { true }) == .abandoned)
        // And when nobody holds it.
        var other: RunningProgram? = try RunningProgram(["sh", "-c", "echo $$; exec sleep 1000"])
        while other?.text.contains("\n") == false, other?.look() == nil { usleep(1_000) }
        let process = try #require(
            pid_t(other?.text.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""))
        other = nil
        try expectGone(process)
    }

    @Test func aProgramThatIsNotThereIsNamed() {
        #expect(
            throws: RunError(
                "no-such-program cannot be started: No such file or directory", exitCode: .missingInput)
        ) { try RunningProgram(["no-such-program"]) }
    }

    @Test func aProgramIsFoundInPath() {
        let environment = ["PATH": "/nowhere:/bin:/usr/bin"]
        #expect(ProgramPath.find("sh", environment: environment) == "/bin/sh")
        #expect(ProgramPath.find("/bin/sh", environment: [:]) == "/bin/sh")
        #expect(ProgramPath.find("no-such-program", environment: environment) == nil)
        // A folder is none.
        #expect(ProgramPath.find("/bin", environment: environment) == nil)
    }

    /// A killed process that nobody has waited for yet, init for one, is gone too.
    private func expectGone(_ process: pid_t) throws {
        for _ in 0..<500 {
            guard let state = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
                !state.contains(") Z ")
            else { return }
            usleep(10_000)
        }
        Issue.record("process \(process) is still there")
    }
}
