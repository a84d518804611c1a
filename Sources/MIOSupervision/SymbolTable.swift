import MIOBase
import MIOFiles

/// The functions of a program or library: those that its file names (ELF of 64 bits, in this machine's byte order).
///
/// See elf(5).
struct SymbolTable {
    private struct Segment {
        let offset: UInt64
        let address: UInt64
        let size: UInt64
    }

    private struct Function {
        let address: UInt64
        let size: UInt64
        /// Where its name begins in `names`.
        let name: Int
    }

    private var segments: [Segment] = []
    /// By address.
    private var functions: [Function] = []
    private var names: [UInt8] = []

    /// What is read of a file at most: sections larger than that are no names of functions.
    private static let largestSection = 1 << 28

    /// - Returns: `nil` where there is no such file, or another kind of it.
    init?(_ path: String) {
        guard let header = try? OpenFile.contents(of: path, from: 0, atMost: 64), header.count == 64,
            header.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2, 1])
        else { return nil }
        func table(at offset: UInt64, size: UInt64, count: UInt64) -> [[UInt8]] {
            guard let offset = Int(exactly: offset), size > 0, size * count < 1 << 24,
                let bytes = try? OpenFile.contents(of: path, from: offset, atMost: Int(size * count))
            else { return [] }
            return stride(from: 0, to: bytes.count - Int(size) + 1, by: Int(size)).map {
                Array(bytes[$0..<$0 + Int(size)])
            }
        }
        // Which parts of the file come to lie where.
        for entry in table(at: header.word(32), size: header.half(54), count: header.half(56))
        where entry.count >= 56 && entry.quarter(0) == 1 {
            segments.append(Segment(offset: entry.word(8), address: entry.word(16), size: entry.word(32)))
        }
        let sections = table(at: header.word(40), size: header.half(58), count: header.half(60)).filter {
            $0.count >= 64
        }
        // Symbols for linking before it runs (2), which hold all, and those for linking while it runs (11).
        for section in sections where [2, 11].contains(section.quarter(4)) {
            let place = Int(section.quarter(40))
            guard sections.indices.contains(place) else { continue }
            add(symbols: Self.content(section, of: path), names: Self.content(sections[place], of: path))
        }
        functions.sort { $0.address < $1.address }
    }

    private static func content(_ section: [UInt8], of path: String) -> [UInt8] {
        guard let offset = Int(exactly: section.word(24)), let size = Int(exactly: section.word(32)),
            size <= largestSection
        else { return [] }
        return (try? OpenFile.contents(of: path, from: offset, atMost: size)) ?? []
    }

    private mutating func add(symbols: [UInt8], names added: [UInt8]) {
        let before = names.count
        names += added
        for place in stride(from: 0, to: symbols.count - 23, by: 24)
        // Functions that are defined here.
        where symbols[place + 4] & 15 == 2 && symbols.half(place + 6) != 0 {
            functions.append(
                Function(
                    address: symbols.word(place + 8), size: symbols.word(place + 16),
                    name: before + Int(symbols.quarter(place))))
        }
    }

    /// The function at a place of the file.
    func name(at offset: UInt64) -> String? {
        guard let segment = segments.first(where: { $0.offset <= offset && offset - $0.offset < $0.size })
        else {
            return nil
        }
        let address = segment.address &+ (offset - segment.offset)
        var (low, high) = (0, functions.count)
        while low < high {
            let middle = (low + high) / 2
            if functions[middle].address <= address { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return nil }
        let function = functions[low - 1]
        guard address - function.address < max(function.size, 1), function.name < names.count else {
            return nil
        }
        return String(decoding: names[function.name...].prefix { $0 != 0 }, as: UTF8.self)
    }
}

extension [UInt8] {
    fileprivate func word(_ place: Int) -> UInt64 {
        withUnsafeBytes { $0.littleEndian(at: place, as: UInt64.self) }
    }

    fileprivate func quarter(_ place: Int) -> UInt64 {
        withUnsafeBytes { UInt64($0.littleEndian(at: place, as: UInt32.self)) }
    }

    fileprivate func half(_ place: Int) -> UInt64 {
        withUnsafeBytes { UInt64($0.littleEndian(at: place, as: UInt16.self)) }
    }
}
