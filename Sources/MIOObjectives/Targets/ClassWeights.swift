import MIOBase
import MIOConfig

/// What samples of each class count in training: `outputs.<name>.class_weight`, a mapping of classes to numbers, or `balanced`.
///
/// A sample's weight is multiplied by its class' number, 1 for a class without one; so it enters the loss, its denominator and
/// weighted metrics as a sample weight does, in training alone (Keras' `class_weight`). The class is the target itself, the
/// place of the largest of a one-hot row, or the 0 or 1 of a single yes-or-no answer.
///
/// `balanced` gives class c the number `n ÷ (classes·count of c)`, from the labels of the training data, with n labels of as
/// many classes as occur: rare classes count more, and the mean weight is 1.
public struct ClassWeights: Hashable, Sendable {
    /// As given, by class; `nil` for balanced ones.
    public let given: [Int: Double]?
    /// The weight of each class from 0 on, where it is known; 1 beyond.
    package let table: [Float]

    /// - Precondition: no class or weight is negative, no weight infinite.
    public init(_ weights: [Int: Double]) {
        precondition(
            weights.allSatisfy { $0 >= 0 && $1 >= 0 && $1.isFinite }, "class weights \(weights)")
        given = weights
        table = (0..<(weights.keys.max() ?? -1) + 1).map { Float(weights[$0] ?? 1) }
    }

    /// Weights that the training data decide.
    public static let balanced = ClassWeights(given: nil, table: [])

    private init(given: [Int: Double]?, table: [Float]) {
        self.given = given
        self.table = table
    }

    /// Whether the training data have still to decide.
    package var isOpen: Bool { given == nil && table.isEmpty }

    /// Those of data in which each class occurs so often.
    package static func balanced(counts: [Int]) -> ClassWeights {
        let (labels, classes) = (counts.reduce(0, +), counts.count { $0 > 0 })
        return ClassWeights(
            given: nil,
            table: counts.map { $0 == 0 ? 1 : Float(Double(labels) / (Double(classes) * Double($0))) })
    }

    /// Reads `{0: 1.0, 3: 4.5}` or `balanced`.
    init?(_ key: String, reading reader: inout ConfigReader) throws(ConfigError) {
        let expected = "a mapping of classes to numbers, or balanced"
        reader.describe(key, expected)
        guard let value = try reader.optionalValue(key, expected: expected) else { return nil }
        switch value {
        case .string("balanced"): self = .balanced
        case .dictionary(let entries):
            var weights: [Int: Double] = [:]
            for (name, value) in entries.entries {
                guard let index = Int(name), index >= 0 else {
                    throw reader.error(key, "expected class numbers from 0 on as keys, found \(quoted: name)")
                }
                let weight: Double
                switch value {
                case .real(let number): weight = number
                case .integer(let number): weight = Double(number)
                default:
                    throw reader.error(key, "expected a number for class \(index), found \(value.summary)")
                }
                guard weight >= 0, Float(weight).isFinite else {
                    throw reader.error(
                        key,
                        "expected numbers of at least 0 that 32-bit floats hold, found \(weight) for class \(index)"
                    )
                }
                weights[index] = weight
            }
            self.init(weights)
        default: throw reader.error(key, "expected \(expected), found \(value.summary)")
        }
    }

    /// As `init(_:reading:)` takes it.
    var config: ConfigValue {
        guard let given else { return "balanced" }
        var entries = ConfigDictionary()
        for index in given.keys.sorted() { entries["\(index)"] = .real(given[index] ?? 1) }
        return .dictionary(entries)
    }

    /// What is wrong with them for an output; `nil` if nothing is.
    package func problem(of loss: any Loss, prediction: Shape) -> String? {
        let classes: Int
        switch loss.targetKind {
        case .classIndex, .classShares: classes = prediction.last
        case .real where loss.hasClassLabels && prediction.last == 1: classes = 2
        case .real, .shared:
            return loss.hasClassLabels
                ? "an output of several yes-or-no answers has no class a sample; use weighted_binary_crossentropy, with a "
                    + "positive_weight for each"
                : "the targets of \(type(of: loss).className) are numbers, which have no classes"
        }
        guard let beyond = given?.keys.filter({ $0 >= classes }).min() else { return nil }
        return "expected classes from 0 to \(classes - 1), found \(beyond)"
    }

    /// The number of a position's class.
    /// - Parameters:
    ///   - row: of its targets, all of them labels.
    ///   - width: of the row.
    @inline(__always)
    package func weight(_ row: UnsafePointer<Float>, width: Int) -> Float {
        let index = Self.classIndex(row, width: width)
        return 0..<table.count ~= index ? table[index] : 1
    }

    /// The class of a row of targets: the place of the first of the largest, or a single number, rounded.
    @inline(__always)
    package static func classIndex(_ row: UnsafePointer<Float>, width: Int) -> Int {
        if width > 1 { return VectorRanking.firstLargest(row, width: width) }
        return row[0] > -1 && row[0] < Float(Int32.max) ? Int(row[0].rounded(.toNearestOrEven)) : -1
    }
}
