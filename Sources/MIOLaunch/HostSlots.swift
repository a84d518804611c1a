import MIOBase

/// How many ranks the machines of a launch take, as far as `--hosts` or a hostfile says so.
package enum HostSlots {
    /// An entry of a list of hosts that is not a machine.
    package struct Fault: Error, Hashable {
        package let entry: String
    }

    /// The slots of `a:4,b:4`; a machine without a number has one, as `mpirun --host` has it.
    /// - Returns: `nil` where the number depends on the machines (`a:*`, `+n0`).
    /// - Throws: `Fault` for an entry that is no machine.
    package static func count(list: String) throws(Fault) -> Int? {
        var sum = 0
        for entry in list.split(separator: ",", omittingEmptySubsequences: false) {
            if entry.contains("[") || entry.hasPrefix("+") || entry.hasSuffix(":*") { return nil }
            let parts = entry.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count <= 2, let name = parts.first, !name.isEmpty,
                !name.contains(where: \.isWhitespace),
                let slots = parts.count == 1 ? 1 : Int(parts[1]), slots >= 1, slots <= Int(Int32.max)
            else { throw Fault(entry: String(entry)) }
            sum += slots
        }
        return sum
    }

    /// Whether all machines of `a:4,b:4` are this one.
    package static func isHere(list: String, hostName: String) -> Bool {
        let own = ["localhost", "127.0.0.1", "::1", hostName, String(hostName.prefix { $0 != "." })]
        return list.split(separator: ",").allSatisfy { own.contains(String($0.prefix { $0 != ":" })) }
    }

    /// The slots of a hostfile's lines `a slots=4`.
    /// - Returns: `nil` where a line does not say: `mpirun` then counts the machine's cores.
    package static func count(hostfile text: String) -> Int? {
        var sum = 0
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.prefix { $0 != "#" }.replacing(/\s*=\s*/, with: "=")
                .split(whereSeparator: \.isWhitespace)
            guard !words.isEmpty else { continue }
            let slots = words.compactMap { word in
                word.hasPrefix("slots=") ? Int(word.dropFirst("slots=".count)) : nil
            }
            guard let slots = slots.first, (0...Int(Int32.max)).contains(slots) else { return nil }
            sum += slots
        }
        return sum
    }

    /// The first line of a hostfile that `mpirun` would refuse, with the reason; `nil` for a file that names machines.
    package static func fault(hostfile text: String) -> String? {
        var hasMachine = false
        // By bytes: a carriage return and a line feed are one character of Swift.
        for (index, bytes) in text.utf8.split(
            separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false
        ).enumerated() {
            let line = String(decoding: bytes, as: UTF8.self)
            if bytes.last == UInt8(ascii: "\r") {
                return
                    "line \(index + 1) ends with a carriage return, as Windows writes it, which mpirun does not read; "
                    + "remove those, for example with: tr -d '\\r'"
            }
            let words = line.prefix { $0 != "#" }.replacing(/\s*=\s*/, with: "=")
                .split(whereSeparator: \.isWhitespace)
            guard !words.isEmpty else { continue }
            hasMachine = true
            for word in words where word.hasPrefix("slots=") {
                let number = word.dropFirst("slots=".count)
                if Int(number).map({ $0 < 0 || $0 > Int(Int32.max) }) ?? true {
                    return
                        "line \(index + 1): \(quoted: String(word)): expected a number of slots, such as slots=4"
                }
            }
        }
        return hasMachine ? nil : "no machine is in it; expected lines such as: node1 slots=4"
    }

    /// Whether `mpirun` may start more ranks than there are slots.
    /// - Parameter arguments: further ones of `mpirun`.
    package static func mayBeExceeded(environment: [String: String], arguments: [String]) -> Bool {
        let policies = [
            "OMPI_MCA_rmaps_base_mapping_policy", "OMPI_MCA_rmaps_default_mapping_policy",
            "PRTE_MCA_rmaps_default_mapping_policy",
        ]
        let isOn = ["1", "true", "yes", "y", "on"]
        return isOn.contains(environment["OMPI_MCA_rmaps_base_oversubscribe"]?.lowercased() ?? "")
            || (policies.compactMap { environment[$0] } + arguments).contains {
                $0.lowercased().contains("oversubscribe") && !$0.lowercased().contains("nooversubscribe")
            }
    }
}
