/// What the kernel tells of a process in `/proc/PID/stat`.
package struct ProcessFacts: Hashable, Sendable {
    /// The kernel's letter: `R`, `S`, `D`, `T`, `Z`. Of a process whose first thread has ended, another thread's that has not: as
    /// long as one writes a file, the process holds its locks.
    package let state: Character
    /// The process that started it, or has taken it over.
    package let parent: Int
    /// When it began, in the kernel's ticks since boot: a number is given again after a process' end.
    package let began: UInt64
    /// The program's name, cut to 15 characters.
    package let name: String

    /// - Returns: `nil` if there is no such process, or no `/proc`.
    package init?(of process: Int) {
        // The name, in brackets, may hold anything.
        guard let text = SystemFile.text("/proc/\(process)/stat"), let opening = text.firstIndex(of: "("),
            let closing = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: closing)...].split(separator: " ")
        guard fields.count > 19, let state = fields[0].first, let parent = Int(fields[1]),
            let began = UInt64(fields[19])
        else { return nil }
        self.state = Self.isEnd(state) ? Self.stateOfThreads(process) ?? state : state
        self.parent = parent
        self.began = began
        name = String(text[text.index(after: opening)..<closing])
    }

    /// Whether nothing of the process is at work any more, though its parent has not asked for its end.
    package var hasEnded: Bool { Self.isEnd(state) }

    private static func isEnd(_ state: Character) -> Bool { state == "Z" || state == "X" }

    /// The letter of a thread that has not ended; `nil` if all have.
    private static func stateOfThreads(_ process: Int) -> Character? {
        for thread in SystemFile.numbers(in: "/proc/\(process)/task") {
            guard let text = SystemFile.text("/proc/\(process)/task/\(thread)/stat"),
                let closing = text.lastIndex(of: ")"),
                let state = text[text.index(after: closing)...].split(separator: " ").first?.first,
                !isEnd(state)
            else { continue }
            return state
        }
        return nil
    }
}
