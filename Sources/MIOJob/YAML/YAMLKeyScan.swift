/// Looks for keys that are lists, mappings or aliases, before the text is parsed.
///
/// The parser compares the keys of a mapping, aliases expanded: a key of aliases of aliases would keep it at work for
/// years. Only texts with many aliases are looked at, because few cannot stand for much. The scan does not know strings
/// and comments, so that nothing can hide in them.
enum YAMLKeyScan {
    /// With so many aliases a text stands for less than twenty times its length.
    private static let harmlessAliases = 8

    /// - Returns: the line, from 1; `nil` if there is no such key, or if it could do no harm.
    static func lineOfUnusualKey(_ text: String) -> Int? {
        let bytes = Array(text.utf8)
        let aliases = bytes.indices.lazy.filter { isAlias(bytes, at: $0) }
        guard aliases.prefix(harmlessAliases + 1).reduce(0, { count, _ in count + 1 }) > harmlessAliases
        else { return nil }
        var line = 1
        // The end of the last alias: what begins inside it is a part of it, and is not looked at again.
        var nameEnd = 0
        for index in bytes.indices {
            if bytes[index] == UInt8(ascii: "\n") { line += 1 }
            if isUnusualKey(bytes, at: index, nameEnd: &nameEnd) { return line }
        }
        return nil
    }

    private static func isUnusualKey(_ bytes: [UInt8], at index: Int, nameEnd: inout Int) -> Bool {
        switch bytes[index] {
        case UInt8(ascii: "?"):
            return index == 0 || opensToken(bytes[index - 1])
        case UInt8(ascii: "]"), UInt8(ascii: "}"):
            return isColon(bytes, after: index + 1)
        case UInt8(ascii: "*") where isAlias(bytes, at: index):
            guard nameEnd <= index else { return false }
            nameEnd = bytes[(index + 1)...].firstIndex { !isNameByte($0) } ?? bytes.endIndex
            return isColon(bytes, after: nameEnd)
        default: return false
        }
    }

    private static func isAlias(_ bytes: [UInt8], at index: Int) -> Bool {
        bytes[index] == UInt8(ascii: "*") && index + 1 < bytes.count && isNameByte(bytes[index + 1])
    }

    /// Of an alias' name, the characters of other alphabets among them.
    private static func isNameByte(_ byte: UInt8) -> Bool {
        byte > UInt8(ascii: " ") && !",[]{}:".utf8.contains(byte)
    }

    private static func opensToken(_ byte: UInt8) -> Bool {
        byte <= UInt8(ascii: " ") || byte >= 0x80 || ",[{".utf8.contains(byte)
    }

    private static func isColon(_ bytes: [UInt8], after start: Int) -> Bool {
        bytes[start...].first { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") } == UInt8(ascii: ":")
    }
}
