import Foundation

/// Paths relative to a job's folder.
enum JobPath {
    /// The absolute path, without `.` and `..`, of a path relative to the working directory.
    static func absolute(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }

    static func absolute(_ path: String, in folder: String) -> String {
        path.hasPrefix("/") ? absolute(path) : absolute(folder + "/" + path)
    }
}
