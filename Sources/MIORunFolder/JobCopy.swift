import Foundation
import MIOBase
import MIOFiles

/// What a job file held when its run was asked for, or began. The file belongs to a person, who edits it for the next run while
/// this one waits or is at work; whatever is started for this one reads the copy.
package struct JobCopy: Sendable {
    /// Names a copy to a program that is given the job file.
    package static let variable = "MIO_JOB_COPY"

    /// The job file's absolute path.
    package let job: String
    package let contents: [UInt8]

    private static let largest = 16 << 20

    /// What the file holds now.
    /// - Parameter job: its absolute path.
    /// - Throws: `FileError`
    package init(of job: String) throws(FileError) {
        self.job = job
        contents = try OpenFile.contents(of: job, atMost: Self.largest)
    }

    /// Reads a copy.
    /// - Returns: `nil` if it is of another file than `job`: a variable may reach programs it was not meant for.
    /// - Throws: `FileError`
    package init?(at path: String, of job: String) throws(FileError) {
        let bytes = try OpenFile.contents(of: path, atMost: Self.largest + 8192)
        let head = Self.head(of: job)
        guard bytes.starts(with: head) else { return nil }
        self.job = job
        contents = Array(bytes.dropFirst(head.count))
    }

    /// A comment, by which a copy tells whose it is, to people as well.
    private static func head(of job: String) -> [UInt8] {
        let path = URL(fileURLWithPath: job).standardizedFileURL.path
        return Array("# When the run was asked for, this was \(path.shown(most: 4096))\n".utf8)
    }

    /// Whether the file holds something else by now, or is gone. One that cannot be read at the moment counts as changed.
    package var isOutdated: Bool {
        guard let now = try? JobCopy(of: job) else { return true }
        return now.contents != contents
    }

    /// Writes the copy into a run's folder.
    /// - Returns: its path.
    /// - Throws: `FileError`
    @discardableResult
    package func write(to folder: RunFolder) throws(FileError) -> String {
        let file = try AtomicFile(replacing: folder.jobCopyPath)
        try file.write(Self.head(of: job))
        try file.write(contents)
        try file.commit()
        return folder.jobCopyPath
    }
}
