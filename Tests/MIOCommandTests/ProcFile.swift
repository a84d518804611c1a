import Foundation

/// Files below /proc, of which FileManager reads one page.
enum ProcFile {
    static func text(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 17)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    /// The program's name, as the kernel has it.
    static func name(of process: Int32) -> String? {
        text("/proc/\(process)/comm").map { String($0.dropLast()) }
    }

    static func environment(of process: Int32) -> [String: String]? {
        guard let text = text("/proc/\(process)/environ") else { return nil }
        var variables: [String: String] = [:]
        for entry in text.split(separator: "\0") {
            let sides = entry.split(separator: "=", maxSplits: 1)
            if sides.count == 2 { variables[String(sides[0])] = String(sides[1]) }
        }
        return variables
    }

    /// All that run.
    static var processes: [Int32] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { Int32($0) }
    }
}
