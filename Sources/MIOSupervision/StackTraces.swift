import CProcess
import CThreads
import Foundation
import MIOBase
import MIOFiles
import MIORunFolder
import MIOSystem

/// The stacks of a rank's threads, as the threads tell them themselves: nothing must be installed, and no right to trace
/// other processes is needed. A thread that waits in the kernel without a way out does not answer.
struct StackTraces {
    private let board: ProgressBoard
    /// Of programs and libraries; `nil` for a file that names no functions.
    private var tables: [String: SymbolTable?] = [:]

    private static let secondsToAnswer = 1.0
    /// Threads of a rank that are asked; so many of eight ranks fit on the board.
    static let mostThreads = 64

    init(_ board: ProgressBoard) { self.board = board }

    /// - Parameters:
    ///   - entry: of the rank.
    ///   - isStopped: it is continued for the moment in which its threads answer.
    mutating func text(of entry: ProgressBoard.Entry, isStopped: Bool) -> String {
        let threads = ((try? Folder.names(in: "/proc/\(entry.process)/task")) ?? []).compactMap { Int($0) }
        let asked = threads.sorted().prefix(Self.mostThreads)
        // A number may be another process' by now, which the signal would end.
        guard ProcessFacts(of: entry.process)?.began == entry.processBegan else { return "  gone\n" }
        guard Self.tells(entry.process) else { return "  it does not tell its stacks\n" }
        let stacks = ask(entry.process, Array(asked), isStopped: isStopped)
        guard !stacks.isEmpty else { return "  no thread has answered\n" }
        let map = ProcessMap(SystemFile.text("/proc/\(entry.process)/maps") ?? "")
        return asked.map { thread in
            guard let stack = stacks[thread] else { return "  thread \(thread) has not answered\n" }
            return "  thread \(thread)\n" + frames(stack, map).map { "    \($0)\n" }.joined()
        }.joined()
    }

    /// Whether a process has taken the signal over, which would end it otherwise.
    private static func tells(_ process: Int) -> Bool {
        let lines = SystemFile.text("/proc/\(process)/status")?.split(separator: "\n") ?? []
        guard let mask = lines.first(where: { $0.hasPrefix("SigCgt:") })?.split(separator: "\t").last,
            let caught = UInt64(mask, radix: 16)
        else { return false }
        return caught >> (mio_stack_signal() - 1) & 1 == 1
    }

    private func ask(_ process: Int, _ threads: [Int], isStopped: Bool) -> [Int: [UInt64]] {
        let reached = threads.count {
            mio_ask_stack(pid_t(process), pid_t($0), mio_stack_signal()) == 0
        }
        if isStopped { kill(pid_t(process), SIGCONT) }
        defer { if isStopped { kill(pid_t(process), SIGSTOP) } }
        var stacks: [Int: [UInt64]] = [:]
        for _ in 0..<Int(Self.secondsToAnswer * 50) {
            stacks = board.stacks(of: process)
            if stacks.count >= reached { break }
            usleep(20_000)
        }
        return stacks
    }

    /// The names of calls, newest first.
    private mutating func frames(_ addresses: [UInt64], _ map: ProcessMap) -> [String] {
        addresses.enumerated().map { number, address in
            // What a caller goes on with lies behind its call, which may be the last thing that it does.
            guard let place = map.place(of: number == 0 ? address : address - 1) else {
                return "0x" + String(address, radix: 16)
            }
            let table = tables[place.path] ?? SymbolTable(place.path)
            tables[place.path] = .some(table)
            let file = Folder.name(of: place.path)
            guard let name = table?.name(at: place.offset) else {
                return "0x\(String(place.offset, radix: 16)) of \(file)"
            }
            return "\(Self.demangled(name).shown(most: 300)) (\(file))"
        }
    }

    /// A Swift function's name as it is written in a program; a C function's as it is.
    private static func demangled(_ name: String) -> String {
        guard let text = swift_demangle(name, name.utf8.count, nil, nil, 0) else { return name }
        defer { free(text) }
        // What the compiler has made of it is of no interest: `generic specialization <…> of NAME`.
        var shown = Substring(String(cString: text))
        while shown.contains(" specialization <"), let end = shown.range(of: "> of ") {
            shown = shown[end.upperBound...]
        }
        // `(runStep in _064A…)` is private to a file.
        return String(shown).replacing(#/\(([^ ()]+) in _[0-9A-F]+\)/#) { String($0.output.1) }
    }
}
