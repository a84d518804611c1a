import Foundation
import MIOFiles

/// Runs that a daemon starts. Their settings come from clients of its API, so their callbacks write into the run's folder alone.
package enum ConfinedRun {
    /// Tells a program that the run it starts is one.
    package static let variable = "MIO_CONFINED"

    /// Whether the run in a folder is one: by the variable, or by the folder's `submission.json`. Ranks on other machines, and
    /// whoever runs the same command again by hand, do not have the variable.
    package static func isIn(
        _ folder: String, environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> Bool {
        environment[variable]?.isEmpty == false || Folder.exists(Folder.join(folder, Submission.name))
    }
}
