import Foundation
import MIOLaunch
import MIOSystem

/// Which of a list of hosts are this machine: a launcher reaches them without an agent, and nobody needs to ask them.
enum OwnMachine {
    /// - Parameter hosts: names and addresses.
    static func among(_ hosts: [String]) -> Set<String> {
        let name = ProcessInfo.processInfo.hostName
        let own = addresses
        return Set(
            hosts.filter {
                HostSlots.isHere(list: $0, hostName: name) || !addresses(of: $0).isDisjoint(with: own)
            })
    }

    /// Of all its networks.
    private static var addresses: Set<String> {
        var first: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&first) == 0 else { return [] }
        defer { freeifaddrs(first) }
        var found: Set<String> = []
        var next = first
        while let one = next {
            if let address = one.pointee.ifa_addr {
                switch Int32(address.pointee.sa_family) {
                case AF_INET: text(address, MemoryLayout<sockaddr_in>.size).map { _ = found.insert($0) }
                case AF_INET6: text(address, MemoryLayout<sockaddr_in6>.size).map { _ = found.insert($0) }
                default: break
                }
            }
            next = one.pointee.ifa_next
        }
        return found
    }

    private static func addresses(of host: String) -> Set<String> {
        var first: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, nil, &first) == 0 else { return [] }
        defer { freeaddrinfo(first) }
        var found: Set<String> = []
        var next = first
        while let one = next {
            if let address = one.pointee.ai_addr {
                text(address, Int(one.pointee.ai_addrlen)).map { _ = found.insert($0) }
            }
            next = one.pointee.ai_next
        }
        return found
    }

    private static func text(_ address: UnsafePointer<sockaddr>, _ size: Int) -> String? {
        var bytes = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        guard
            getnameinfo(address, socklen_t(size), &bytes, socklen_t(bytes.count), nil, 0, NI_NUMERICHOST) == 0
        else { return nil }
        return String(decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
