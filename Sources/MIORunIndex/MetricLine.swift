import Foundation
import MIOBase
import MIOConfig

/// One line of `metrics.jsonl`: what happened, when, and its numbers.
package struct MetricLine: Equatable {
    package struct Value: Equatable {
        package let name: String
        package let value: Double
    }

    package var event = ""
    package var step = 0
    package var epoch = 0
    package var values: [Value] = []

    /// Bytes that a line may have. No run has as many outputs.
    package static let longest = 1 << 20

    /// - Parameter line: without its newline; a byte that is part of no number must follow it in memory.
    /// - Returns: `nil` if it is not a JSON object with `event`, `step` and numbers: a damaged line.
    package init?(_ line: UnsafeRawBufferPointer) {
        guard !readFlat(line) else { return }
        // Escapes, nested values: seldom, and left to the real reader.
        self = MetricLine()
        guard line.count <= Self.longest, case .dictionary(let object)? = try? ConfigValue(json: Data(line)),
            case .string(let event)? = object["event"], case .integer(let step)? = object["step"]
        else { return nil }
        self.event = event
        self.step = step
        if case .integer(let epoch)? = object["epoch"] { self.epoch = epoch }
        for (name, value) in object.entries where !Self.isReserved(name) {
            switch value {
            case .integer(let number): values.append(Value(name: name, value: Double(number)))
            case .real(let number): values.append(Value(name: name, value: number))
            case .string(let text):
                if let number = Self.number(named: text) { values.append(Value(name: name, value: number)) }
            default: continue
            }
        }
    }

    private init() {}

    private static func isReserved(_ name: String) -> Bool {
        name == "event" || name == "step" || name == "epoch"
    }

    private static func number(named text: some StringProtocol) -> Double? {
        switch text {
        case "NaN": .nan
        case "Infinity": .infinity
        case "-Infinity": -.infinity
        default: nil
        }
    }

    /// Reads a flat object of numbers and plain texts, as mio writes it: a long run has millions of lines.
    /// - Returns: false if it is anything else.
    private mutating func readFlat(_ line: UnsafeRawBufferPointer) -> Bool {
        guard line.count <= Self.longest, let base = line.baseAddress else { return false }
        var position = 0
        var hasEvent = false
        var hasStep = false
        func skipSpace() { while position < line.count, line[position] == 0x20 { position += 1 } }
        func take(_ byte: UInt8) -> Bool {
            skipSpace()
            guard position < line.count, line[position] == byte else { return false }
            position += 1
            return true
        }
        func text() -> String? {
            guard take(0x22) else { return nil }
            let start = position
            while position < line.count, line[position] != 0x22 {
                guard line[position] >= 0x20, line[position] < 0x7F, line[position] != 0x5C else {
                    return nil
                }
                position += 1
            }
            guard position < line.count else { return nil }
            position += 1
            return String(
                decoding: UnsafeRawBufferPointer(rebasing: line[start..<position - 1]), as: UTF8.self)
        }
        guard take(0x7B) else { return false }
        repeat {
            guard let name = text(), take(0x3A) else { return false }
            skipSpace()
            guard position < line.count else { return false }
            if line[position] == 0x22 {
                guard let word = text() else { return false }
                if name == "event" {
                    event = word
                    hasEvent = true
                } else if let number = Self.number(named: word), !Self.isReserved(name) {
                    values.append(Value(name: name, value: number))
                }
                continue
            }
            // strtod also reads what JSON has not: "inf", "nan", and "0x10", which has an x.
            let first = line[position]
            guard first == 0x2D || (0x30...0x39).contains(first) else { return false }
            var end: UnsafeMutablePointer<CChar>?
            let start = (base + position).assumingMemoryBound(to: CChar.self)
            let number = strtod(start, &end)
            guard let end, number.isFinite else { return false }
            position += UnsafePointer(end) - start
            guard position <= line.count, !line[..<position].suffix(UnsafePointer(end) - start).contains(0x78)
            else { return false }
            switch name {
            case "event": return false
            case "step", "epoch":
                guard let whole = Int(exactly: number) else { return false }
                if name == "step" {
                    step = whole
                    hasStep = true
                } else {
                    epoch = whole
                }
            default: values.append(Value(name: name, value: number))
            }
        } while take(0x2C)
        guard take(0x7D) else { return false }
        skipSpace()
        return position == line.count && hasEvent && hasStep
    }
}
