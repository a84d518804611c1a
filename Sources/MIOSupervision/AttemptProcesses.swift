import MIORunFolder
import MIOSystem

/// The processes of this machine that belong to one attempt, found by what their supervisor gave them along: the launcher,
/// its ranks, also before they have joined the progress board, and the processes that keep their logs.
package enum AttemptProcesses {
    /// - Parameter board: the path of the attempt's progress board, which no other attempt has.
    package static func all(board: String) -> [ProcessName] {
        let variable = "\(Supervised.boardName)=\(board)\0"
        return SystemFile.numbers(in: "/proc").compactMap { process in
            guard process != ProcessName.own.process,
                let environment = SystemFile.text("/proc/\(process)/environ"),
                environment.hasPrefix(variable) || environment.contains("\0" + variable),
                let facts = ProcessFacts(of: process), !facts.hasEnded
            else { return nil }
            var name = ProcessName.own
            (name.process, name.began) = (process, facts.began)
            return name
        }
    }
}
