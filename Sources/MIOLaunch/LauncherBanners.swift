/// Removes the words about a rank that ended from the standard error of `mpirun`: the rank has said why, or `mio` says
/// which signal ended it.
///
/// Open MPI 4 has a quiet mode, which is not used where ranks run on other machines: the words name those.
///
/// Such a banner is some lines between two lines of dashes. Version 5 sometimes adds a line about the connection to a rank
/// that has ended, or libevent's about a descriptor that is closed by then; they are left out too. Everything else passes: a byte
/// at once, a line of dashes with the line behind it.
package struct LauncherBanners {
    /// Whether the bytes now are the rest of a line that passes.
    private var isWithinLine = false
    /// Whether they belong to a banner that is left out.
    private var isWithinBanner = false
    /// A line of dashes that may begin a banner, and the line behind it as far as it is there.
    private var dashes: [UInt8] = []
    private var line: [UInt8] = []

    private static let openings = [
        "prterun detected that one or more processes exited with non-zero status",
        "prterun noticed that process rank",
        "mpirun detected that one or more processes exited with non-zero status",
        "mpirun noticed that process rank",
        "Primary job  terminated normally, but",
    ].map { Array($0.utf8) }

    /// Behind something in brackets, `[host:process]` and `[warn]`: about the connection to a rank that has ended.
    private static let lostConnections = [
        " PMIX ERROR: PMIX_ERR_UNREACH in file", " Epoll MOD(", " Epoll DEL(",
    ].map {
        Array($0.utf8)
    }

    package init() {}

    /// - Returns: what of `bytes`, and of those held back before, is to be written now.
    package mutating func filter(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        for byte in bytes {
            let endsLine = byte == UInt8(ascii: "\n")
            if isWithinLine {
                result.append(byte)
                isWithinLine = !endsLine
                continue
            }
            line.append(byte)
            if isWithinBanner {
                if endsLine {
                    isWithinBanner = !Self.isDashes(line)
                    line = []
                }
            } else if dashes.isEmpty, Self.tellsOfLostConnection(line) == true {
                if endsLine { line = [] }
            } else if endsLine, Self.isDashes(line) {
                result += dashes
                (dashes, line) = (line, [])
            } else if !dashes.isEmpty, Self.openings.contains(where: { line.starts(with: $0) }) {
                isWithinBanner = !endsLine
                dashes = []
            } else if endsLine || !canBeHeld {
                result += dashes + line
                (dashes, line) = ([], [])
                isWithinLine = !endsLine
            }
        }
        return result
    }

    /// - Returns: what is held back still, once nothing more comes.
    package mutating func rest() -> [UInt8] {
        defer { (dashes, line) = ([], []) }
        return isWithinBanner ? [] : dashes + line
    }

    /// Whether the line so far may become one of dashes, or the first one of a banner.
    private var canBeHeld: Bool {
        line.allSatisfy { $0 == UInt8(ascii: "-") }
            || !dashes.isEmpty && Self.openings.contains { $0.starts(with: line) }
            || dashes.isEmpty && Self.tellsOfLostConnection(line) == nil
    }

    /// - Parameter line: as far as it is there.
    /// - Returns: `nil` if more of it is needed.
    private static func tellsOfLostConnection(_ line: [UInt8]) -> Bool? {
        guard line.first == UInt8(ascii: "[") else { return false }
        guard let end = line.firstIndex(of: UInt8(ascii: "]")) else { return line.count < 100 ? nil : false }
        let rest = line[(end + 1)...]
        if lostConnections.contains(where: { rest.starts(with: $0) }) { return true }
        return lostConnections.contains { $0.starts(with: rest) } ? nil : false
    }

    private static func isDashes(_ line: [UInt8]) -> Bool {
        line.count > 20 && line.dropLast().allSatisfy { $0 == UInt8(ascii: "-") }
    }
}
