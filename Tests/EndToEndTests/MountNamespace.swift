import Foundation
import ProcessSupport
import Testing

/// Mounts that only some processes see, and that end with them.
enum MountNamespace {
    /// What wraps a command for it; `nil` where nobody may mount.
    static let wrapper: [String]? = [
        ["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"],
        // In a folder made the root by chroot, mounts cannot be told to stay here; most do by themselves.
        ["unshare", "--mount", "--propagation", "unchanged"],
    ].first {
        let mount = ["sh", "-c", "mount -t tmpfs \(probe) /mnt"]
        guard (try? SpawnedProcess($0 + mount).wait(atMost: 20).status) == 0 else { return false }
        let seen = (try? String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)) ?? ""
        guard seen.contains("\(probe) /mnt ") else { return true }
        _ = try? SpawnedProcess(["umount", "/mnt"]).wait(atMost: 20)
        return false
    }

    /// What the mount is called that shows whether others see it.
    private static let probe = "mio-test-of-mounts"

    static var works: Bool { wrapper != nil }

    /// Wraps a command that finds a disk of its own, so small, in a folder.
    /// - Parameters:
    ///   - before: a shell command that runs first, when the disk is there.
    ///   - after: one that runs last.
    /// - Throws: the test fails where nobody may mount.
    static func smallDisk(at folder: String, kilobytes: Int, before: String = ":", after: String = ":") throws
        -> [String]
    {
        let wrapper = try #require(
            wrapper,
            """
            this test needs a small disk, and neither `unshare --mount` nor `unshare --map-root-user --mount` may mount \
            one here that nobody else sees: run the tests as root, or allow user namespaces \
            (sysctl kernel.unprivileged_userns_clone=1, and kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu)
            """)
        return wrapper + [
            "sh", "-c",
            "mount -t tmpfs -o size=\(kilobytes)k tmpfs '\(folder)' && \(before) && \"$@\"; code=$?; \(after); exit $code",
            "sh",
        ]
    }
}
