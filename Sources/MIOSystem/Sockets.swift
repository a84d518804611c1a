// What sockets need that has other types or names elsewhere.

/// A flag of `send`: whoever closes the other end is not to end this process.
package var withoutSignal: Int32 {
    #if canImport(Glibc)
        Int32(MSG_NOSIGNAL)
    #else
        0
    #endif
}

/// A stream socket that no program which this process starts inherits.
/// - Parameter family: `AF_UNIX`, `AF_INET`, `AF_INET6`.
/// - Returns: its descriptor; -1 and `errno`.
package func makeStreamSocket(_ family: Int32) -> Int32 {
    #if canImport(Glibc)
        return socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    #else
        let descriptor = socket(family, SOCK_STREAM, 0)
        if descriptor >= 0 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        return descriptor
    #endif
}

/// The addresses of this machine by which others may reach it, as numbers: `10.0.0.1`.
package func networkAddresses() -> [String] {
    var first: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&first) == 0 else { return [] }
    defer { freeifaddrs(first) }
    var found: [String] = []
    var next = first
    while let entry = next?.pointee {
        next = entry.ifa_next
        guard let address = entry.ifa_addr, entry.ifa_flags & UInt32(IFF_UP) != 0,
            entry.ifa_flags & UInt32(IFF_LOOPBACK) == 0
        else { continue }
        let family = Int32(address.pointee.sa_family)
        guard family == AF_INET || family == AF_INET6 else { continue }
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let size =
            family == AF_INET6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
        guard
            getnameinfo(
                address, socklen_t(size), &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
        else { continue }
        let name = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        // Of one link alone: its name there means nothing elsewhere.
        if !name.hasPrefix("fe80:") { found.append(name) }
    }
    return found
}
