import Foundation
import MIOSystem

/// Whether a folder is on a file system of another machine, where locks and SQLite cannot be trusted.
package enum NetworkFileSystem {
    private static let kinds: Set<String> = [
        "nfs", "nfs4", "cifs", "smb3", "lustre", "gpfs", "beegfs", "ceph", "9p", "afs", "orangefs", "pvfs2",
        "fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.juicefs", "fuse.s3fs",
    ]

    /// The kind of the network file system that holds a folder; `nil` for a local one, and where the system does not say.
    package static func holding(_ folder: String) -> String? {
        guard let real = realpath(folder, nil) else { return nil }
        defer { free(real) }
        return holding(String(cString: real), mounts: SystemFile.text("/proc/self/mountinfo") ?? "")
    }

    /// - Parameters:
    ///   - folder: without links.
    ///   - mounts: as in `/proc/self/mountinfo`.
    package static func holding(_ folder: String, mounts: String) -> String? {
        var found: (place: String, kind: String)?
        for line in mounts.split(separator: "\n") {
            // "36 35 98:0 /root /place options … - kind source options"
            let fields = line.split(separator: " ")
            guard fields.count > 6, let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count else {
                continue
            }
            let place = fields[4].replacing("\\040", with: " ")
            let isAbove = place == "/" || folder == place || folder.hasPrefix(place + "/")
            // A later mount at the same place covers the earlier one.
            if isAbove, place.count >= found?.place.count ?? 0 {
                found = (String(place), String(fields[dash + 1]))
            }
        }
        return found.flatMap { kinds.contains($0.kind) ? $0.kind : nil }
    }
}
