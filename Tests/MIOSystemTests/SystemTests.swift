import Foundation
import MIOSystem
import Testing

@Suite struct SystemTests {
    @Test func textsOfFiles() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "mio-\(UUID().uuidString)").path
        defer { unlink(path) }
        try "0-3,8\n".write(toFile: path, atomically: false, encoding: .utf8)
        #expect(SystemFile.text(path) == "0-3,8\n")
        #expect(SystemFile.text(path + "-none") == nil)
        #if os(Linux)
            // Its size is said to be 0.
            #expect(SystemFile.text("/proc/self/stat")?.hasPrefix("\(getpid()) (") == true)
        #endif
    }

    /// A process is at what its threads are, when its first one has ended.
    @Test func aProcessWithoutItsFirstThread() throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        // The system's own exit, of the first thread alone.
        process.arguments = [
            "python3", "-c",
            """
            import ctypes, platform, threading, time
            threading.Thread(target=time.sleep, args=(60,)).start()
            ctypes.CDLL(None).syscall({"x86_64": 60, "aarch64": 93}[platform.machine()], 0)
            """,
        ]
        try process.run()
        defer { kill(process.processIdentifier, SIGKILL) }
        let number = Int(process.processIdentifier)
        func first() -> String? {
            SystemFile.text("/proc/\(number)/stat")?.split(separator: ") ").last.map(String.init)
        }
        for _ in 0..<500 where first()?.hasPrefix("Z") != true { usleep(20_000) }
        #expect(first()?.hasPrefix("Z") == true)
        let facts = try #require(ProcessFacts(of: number))
        #expect(facts.state == "S")
        #expect(!facts.hasEnded)
        #expect(SystemFile.numbers(in: "/proc/\(number)/task").count == 2)
    }

    @Test func limitsComeBack() throws {
        let before = try #require(ResourceLimit.openFiles.get())
        #expect(before.rlim_cur <= before.rlim_max)
        // The limit that there is may be set again; a soft limit above the hard one may not.
        #expect(ResourceLimit.openFiles.set(before))
        var wrong = before
        wrong.rlim_cur = before.rlim_max
        wrong.rlim_max = before.rlim_cur &- 1
        #expect(!ResourceLimit.openFiles.set(wrong))
        #expect(ResourceLimit.openFiles.get()?.rlim_cur == before.rlim_cur)
        #expect(ResourceLimit.addressSpace.get() != nil)
    }

    @Test func handlersOfSignals() {
        var action = sigaction()
        #expect(action.handler == nil)
        action.handler = { _ in }
        #expect(action.handler != nil)
    }

    @Test func timesOfFiles() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "mio-\(UUID().uuidString)").path
        defer { unlink(path) }
        try Data().write(to: URL(filePath: path))
        var times = [
            timespec(tv_sec: 1_000_000_000, tv_nsec: 0), timespec(tv_sec: 1_234_567_890, tv_nsec: 0),
        ]
        #expect(utimensat(AT_FDCWD, path, &times, 0) == 0)
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(status.modified.tv_sec == 1_234_567_890)
    }
}
