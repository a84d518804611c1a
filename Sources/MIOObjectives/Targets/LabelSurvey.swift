import CVectorLoops

/// Counts, a sum and extremes of one output's targets over some rows of the data; surveys of parts of the rows can be
/// added up.
package struct LabelSurvey: Hashable, Sendable {
    package let labelling: TargetLabelling
    package private(set) var positions = 0
    /// Positions whose every element has a label.
    package private(set) var wholePositions = 0
    /// Positions where some elements have a label and others are missing.
    package private(set) var partialPositions = 0
    /// Of all positions.
    package private(set) var elements = 0
    /// Finite elements that have a label, classes out of range among them; their sum, and the extremes (infinity and
    /// −infinity without one).
    package private(set) var labels = 0
    package private(set) var sum = 0.0
    package var smallest = Float.infinity
    package var largest = -Float.infinity
    /// Elements equal to the labelling's `missing`.
    package private(set) var missing = 0
    /// Elements that are NaN.
    package private(set) var notNumbers = 0
    /// Elements that the loss cannot take.
    package private(set) var faults = 0
    /// Of class indices: how often each class occurs. Empty for others.
    package private(set) var classCounts: [Int]
    /// How often each class is that of a position: of class indices `classCounts`, of class shares the largest, and of
    /// single yes-or-no answers 0 and 1. Empty for others.
    package var countsByClass: [Int] {
        switch labelling.kind {
        case .classIndex: return classCounts
        case .classShares: return largestCounts
        case .real, .shared:
            // Labels of 0 and 1 alone: their sum is the number of ones.
            return smallest >= 0 && largest <= 1 ? [labels - Int(sum.rounded()), Int(sum.rounded())] : []
        }
    }
    private var largestCounts: [Int]
    /// Of class shares: rows that are 0 throughout, and others that do not add up to 1.
    package private(set) var zeroRows = 0
    package private(set) var unevenRows = 0

    /// - Parameter classes: the prediction's last axis.
    package init(_ labelling: TargetLabelling, classes: Int) {
        self.labelling = labelling
        classCounts = labelling.kind == .classIndex ? [Int](repeating: 0, count: classes) : []
        largestCounts = labelling.kind == .classShares ? [Int](repeating: 0, count: classes) : []
    }

    /// Positions that count in the output's denominator.
    package var labelled: Int { wholePositions + (labelling.isElementwise ? partialPositions : 0) }

    /// Elements that add to loss and metrics.
    package var labelledElements: Int { elements - missing - notNumbers }

    /// Of the finite labels; NaN without one.
    package var mean: Double { sum / Double(labels) }

    /// Looks at some more positions.
    /// - Parameters:
    ///   - targets: `[positions × targetWidth]`.
    ///   - targetWidth: 1 for class indices.
    package mutating func add(targets: UnsafePointer<Float>, positions: Int, targetWidth: Int) {
        let count = positions * targetWidth
        var found = mio_label_survey()
        mio_survey_labels(count, targets, labelling.missingNumber, &found)
        self.positions += positions
        elements += count
        labels += found.labels
        missing += found.missing
        notNumbers += found.not_numbers
        sum += found.sum
        smallest = min(smallest, found.smallest)
        largest = max(largest, found.largest)
        let hasLabel = count - found.missing - found.not_numbers
        if labelling.kind == .classIndex {
            let classes = countClasses(targets, positions)
            wholePositions += classes
            faults += hasLabel - classes
            return
        }
        faults += hasLabel - found.labels
        if hasLabel == count, labelling.kind != .classShares {
            wholePositions += positions
        } else {
            for position in 0..<positions { addRow(targets + position * targetWidth, targetWidth) }
        }
    }

    /// - Returns: how many targets are classes.
    private mutating func countClasses(_ targets: UnsafePointer<Float>, _ count: Int) -> Int {
        let (end, missing) = (Float(classCounts.count), labelling.missingNumber)
        var classes = 0
        for index in 0..<count {
            let value = targets[index]
            guard value >= 0, value < end, value != missing else { continue }
            let label = Int(value)
            guard Float(label) == value else { continue }
            classCounts[label] += 1
            classes += 1
        }
        return classes
    }

    private mutating func addRow(_ row: UnsafePointer<Float>, _ width: Int) {
        var (count, sum, isZero) = (0, 0.0, true)
        for element in 0..<width where isLabel(row[element], missing: labelling.missingNumber) {
            count += 1
            sum += Double(row[element])
            isZero = isZero && row[element] == 0
        }
        if count == width {
            wholePositions += 1
            guard labelling.kind == .classShares else { return }
            if width == largestCounts.count {
                largestCounts[ClassWeights.classIndex(row, width: width)] += 1
            }
            if isZero {
                zeroRows += 1
            } else if abs(sum - 1) > Self.largestUnevenness {
                unevenRows += 1
            }
        } else if count > 0 {
            partialPositions += 1
        }
    }

    /// Shares that were written with two digits, or as 16-bit floats, do not add up to 1 exactly.
    private static let largestUnevenness = 0.02

    /// The numbers that parts of the rows add; the extremes are apart.
    package var additive: [Double] {
        get {
            let counts = [
                positions, wholePositions, partialPositions, elements, labels, missing, notNumbers, faults,
                zeroRows, unevenRows,
            ]
            return [sum] + (counts + classCounts + largestCounts).map(Double.init)
        }
        set {
            sum = newValue[0]
            let counts = newValue.dropFirst().map { Int($0) }
            (positions, wholePositions, partialPositions) = (counts[0], counts[1], counts[2])
            (elements, labels, missing, notNumbers) = (counts[3], counts[4], counts[5], counts[6])
            (faults, zeroRows, unevenRows) = (counts[7], counts[8], counts[9])
            classCounts = Array(counts[10..<10 + classCounts.count])
            largestCounts = Array(counts[(10 + classCounts.count)...])
        }
    }
}
