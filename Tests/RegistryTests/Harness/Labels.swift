import MIOBase
import MIOObjectives

/// What an output's targets look like.
enum Targets: Sendable {
    case numbers(ClosedRange<Float>)
    /// 0 or 1 for each element.
    case yesOrNo
    /// −1 or 1 for each element.
    case signs
    /// A share for each class, which add up to 1.
    case shares
    /// A class index for each position.
    case classes
    /// One number for all units of a position.
    case oneForAll(ClosedRange<Float>)

    var kind: TargetKind {
        switch self {
        case .numbers, .yesOrNo, .signs: .real
        case .shares: .classShares
        case .classes: .classIndex
        case .oneForAll: .shared
        }
    }

    /// The width of a row of targets.
    func width(_ width: Int) -> Int { kind == .classIndex || kind == .shared ? 1 : width }

    func values(positions: Int, width: Int) -> [Float] {
        let count = positions * width
        let draws = Numbers.uniform(count, "targets of \(width)", in: 0...1).floats
        switch self {
        case .numbers(let range):
            return draws.map { range.lowerBound + (range.upperBound - range.lowerBound) * $0 }
        case .yesOrNo: return draws.map { $0 < 0.5 ? 0 : 1 }
        case .signs: return draws.map { $0 < 0.5 ? -1 : 1 }
        case .shares:
            return (0..<positions).flatMap { position -> [Float] in
                let row = draws[position * width..<(position + 1) * width]
                let sum = row.reduce(0, +)
                return row.map { $0 / sum }
            }
        case .oneForAll(let range):
            return (0..<positions).map {
                range.lowerBound + (range.upperBound - range.lowerBound) * draws[$0]
            }
        case .classes: return (0..<positions).map { Float(Int(draws[$0] * Float(width)) % width) }
        }
    }
}

/// Below, at and above the lanes of vectors.
let rowWidths = [1, 2, 3, 4, 5, 15, 16, 17, 40]
