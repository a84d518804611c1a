import Foundation
import Garments
import MIOBase

/// Test images in rows, each with its true and predicted box, and below it what it is and was taken for.
struct ContactSheet {
    let results: TestResults
    private let rows: Int
    private let columns = 6
    private let imageSize = 176.0
    private let gap = 18.0
    private let captionHeight = 30.0
    private let margin = 32.0
    private let headerHeight = 98.0

    init(_ results: TestResults, rows: Int) {
        self.results = results
        self.rows = rows
    }

    /// "89.1 % of 10000 kinds right", "mean IoU 0.84".
    static func figures(_ results: TestResults) -> [String] {
        [
            "\(percentText(results.accuracy, decimals: 1)) of \(results.samples.count) kinds right",
            "mean IoU of the boxes \(fixedText(results.meanOverlap, decimals: 3))",
        ]
    }

    /// - Throws: `FileError` if cairo finds no memory.
    func draw() throws -> Drawing {
        let width = 2 * margin + Double(columns) * (imageSize + gap) - gap
        let height = headerHeight + Double(rows) * (imageSize + captionHeight + gap) - gap + margin
        let drawing = Drawing(width: Int32(width), height: Int32(height))
        drawHeader(drawing, width: width)
        // Evenly through the test set: neither the best nor the worst.
        let shown = min(columns * rows, results.samples.count)
        for place in 0..<shown {
            let x = margin + Double(place % columns) * (imageSize + gap)
            let y = headerHeight + Double(place / columns) * (imageSize + captionHeight + gap)
            try draw(results.samples[place * results.samples.count / shown], on: drawing, x: x, y: y)
        }
        return drawing
    }

    private func drawHeader(_ drawing: Drawing, width: Double) {
        drawing.text(
            "Garments the model has never seen", x: margin, y: 48, size: 26, colour: .ink, bold: true)
        drawing.text(
            Self.figures(results).joined(separator: "  ·  "), x: margin, y: 76, size: 16, colour: .pencil)
        let keys: [(String, Colour)] = [("true box", .truth), ("predicted box", .prediction)]
        for (index, (label, colour)) in keys.enumerated() {
            let y = 46 + Double(index) * 28
            drawing.text(label, x: width - margin - 34, y: y, size: 16, colour: .pencil, alignment: .right)
            drawing.frame(
                x: width - margin - 24, y: y - 14, width: 22, height: 16, thickness: 2.5, colour: colour)
        }
    }

    private func draw(_ sample: TestResults.Sample, on drawing: Drawing, x: Double, y: Double) throws {
        try drawing.image(sample.image, side: Photograph.side, x: x, y: y, size: imageSize)
        for (box, colour) in [(sample.box, Colour.truth), (sample.predictedBox, .prediction)] {
            let edges = box.map { Double($0) * imageSize }
            drawing.frame(
                x: x + edges[0], y: y + edges[1], width: edges[2] - edges[0], height: edges[3] - edges[1],
                thickness: 2.5, colour: colour)
        }
        let kinds = GarmentKind.all.map(\.name)
        let caption =
            sample.isRight ? kinds[sample.kind] : "\(kinds[sample.kind]), not \(kinds[sample.predictedKind])"
        drawing.text(
            caption, x: x + imageSize / 2, y: y + imageSize + 21, size: 14,
            colour: sample.isRight ? .ink : .mistake, bold: !sample.isRight, alignment: .centre)
    }
}
