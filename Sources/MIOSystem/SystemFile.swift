import Foundation

/// The files in which Linux tells about a machine and its processes: `/proc` and `/sys`.
package enum SystemFile {
    /// The text of a file; `nil` where there is none, as on other systems, or where it may not be read.
    package static func text(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }
}
