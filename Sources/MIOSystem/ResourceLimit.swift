/// A limit of this process that `ulimit` shows.
package enum ResourceLimit {
    /// `ulimit -v`, in bytes.
    case addressSpace
    /// `ulimit -n`
    case openFiles

    /// The soft and the hard limit; `nil` where the system does not say.
    package func get() -> rlimit? {
        var limit = rlimit()
        return getrlimit(resource, &limit) == 0 ? limit : nil
    }

    /// - Returns: whether the system allowed it.
    package func set(_ limit: rlimit) -> Bool {
        var limit = limit
        return setrlimit(resource, &limit) == 0
    }

    #if canImport(Glibc)
        private var resource: __rlimit_resource_t {
            switch self {
            case .addressSpace: __rlimit_resource_t(RLIMIT_AS.rawValue)
            case .openFiles: __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
            }
        }
    #else
        private var resource: Int32 {
            switch self {
            case .addressSpace: RLIMIT_AS
            case .openFiles: RLIMIT_NOFILE
            }
        }
    #endif
}
