/// What the kernel tells of a process in `/proc/PID/stat`.
package struct ProcessFacts: Hashable, Sendable {
    /// The kernel's letter: `R`, `S`, `D`, `T`, `Z`.
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
        self.state = state
        self.parent = parent
        self.began = began
        name = String(text[text.index(after: opening)..<closing])
    }
}
