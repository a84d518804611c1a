import MIORunFolder

/// A rank as its supervisor sees it at one moment.
package struct RankSight: Hashable, Sendable {
    package var rank: Int
    /// `nil` for a rank that has not begun, or that is on another machine and cannot be heard.
    package var entry: ProgressBoard.Entry?
    /// The kernel's letter: R runs, S sleeps, D waits for a device, T is stopped, Z has ended; `nil` if the process is gone.
    package var processState: Character?
    /// Since the rank's last change.
    package var stillSeconds: Double
    /// The other machine that it is on; `nil` for this one.
    package var host: String?
    /// How long a rank on another machine has not been heard.
    package var silentSeconds = 0.0

    package init(
        rank: Int, entry: ProgressBoard.Entry?, processState: Character?, stillSeconds: Double
    ) {
        self.rank = rank
        self.entry = entry
        self.processState = processState
        self.stillSeconds = stillSeconds
    }

    /// Its process was there and is gone, and it did not say that it ends.
    package var hasDied: Bool {
        guard let entry else { return false }
        return entry.phase != .ended && processState == nil
    }

    /// It says several times a second that it is there, unless its process is stopped or its machine cannot be reached.
    package var isSilent: Bool { silentSeconds > 5 }

    package var isStopped: Bool { processState == "T" }
}
