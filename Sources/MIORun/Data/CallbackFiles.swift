import MIOBase
import MIOCallbacks
import MIOFiles
import MIOJob
import MIORunFolder

/// Refuses callbacks that would write where they must not: over a file that the run has or reads, and by a relative path
/// outside of the run's folder. Callbacks of a run that a daemon starts write into that folder alone.
package enum CallbackFiles {
    /// - Parameter isConfined: whether the run is one that a daemon starts; `nil` to find out.
    /// - Throws: `RunError` with exit code 65, with the same words in a check and a training.
    package static func verify(_ job: Job, isConfined: Bool? = nil) throws(RunError) {
        let files = JobFiles(job)
        let isConfined = isConfined ?? ConfinedRun.isIn(files.folder)
        var written: [String: String] = [:]
        for (index, callback) in job.callbacks.enumerated() {
            let key: String
            let text: String
            switch callback {
            case let logger as CSVLogger: (key, text) = ("callbacks[\(index)].filename", logger.filename)
            case let models as ModelCheckpoint:
                (key, text) = ("callbacks[\(index)].filepath", models.path.text)
            default: continue
            }
            let isRelative = !text.hasPrefix("/")
            let path = JobFiles.standard(isRelative ? Folder.join(files.folder, text) : text)
            if let reason = files.use(of: path) ?? written[path] {
                throw RunError(
                    "\(key): \(path.shown(most: 300)) \(reason), and would be replaced; name another file to write",
                    exitCode: .badInput)
            }
            if isConfined, !files.isInFolder(path, followsLinks: true) {
                throw RunError(
                    "\(key): \(text.shown(most: 300)) leads out of the run's folder, where callbacks of a run that a daemon "
                        + "starts do not write; name a file in that folder", exitCode: .badInput)
            }
            if isRelative, !files.isInFolder(path, followsLinks: false) {
                throw RunError(
                    "\(key): \(text.shown(most: 300)) leads out of the run's folder; write an absolute path if it is meant",
                    exitCode: .badInput)
            }
            written[path] = "is the file of \(key)"
        }
    }
}
