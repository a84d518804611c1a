import Foundation
import MIOBase
import MIOSystem

extension FileError {
    /// The error of a system call that failed, with what a person can do about the usual reasons.
    ///
    /// - Parameters:
    ///   - action: what was attempted, an infinitive: "read", "rename".
    ///   - code: the value of `errno` right after the call.
    /// - Returns: exit code 66 for reading what is not there, else 74.
    package static func system(_ action: String, _ path: String, code: Int32) -> FileError {
        let advice =
            switch code {
            case ENOSPC: "; free space on that file system, or keep fewer checkpoints, and run again"
            case EDQUOT: "; your quota there is used up: free space and run again"
            case EFBIG: "; the file would exceed the largest size allowed here (`ulimit -f`)"
            case EACCES, EPERM: "; give the user that runs mio the right to it, or choose another place"
            case EROFS: "; choose a place on a file system that is not read-only"
            case ESTALE, ENOTCONN:
                "; its server has lost it: have the file system mounted anew, and run again"
            case EMFILE, ENFILE: "; raise the limit of open files (`ulimit -n`)"
            case ENOMEM where action == "map" && isAddressSpaceLimited:
                "; `ulimit -v` leaves too few addresses for it: raise that limit"
            case ENOMEM where action == "map":
                "; too many mappings? raise `vm.max_map_count`, or join small files"
            case ENOENT where action == "create the folder":
                "; its file system takes no new folders, choose another place"
            case EISDIR: "; a folder is in the way"
            case ENOTDIR: "; a file is in the way where a folder was expected"
            default: ""
            }
        let missing = code == ENOENT && (action == "read" || action == "open")
        return FileError(
            action: action, path: path, reason: String(cString: strerror(code)) + advice,
            exitCode: missing ? .missingInput : .inputOutput)
    }

    private static var isAddressSpaceLimited: Bool {
        ResourceLimit.addressSpace.get().map { $0.rlim_cur < rlim_t(Int.max) } ?? false
    }
}
