import ArgumentParser
import Foundation
import Garments
import MIOBase
import MIOCommandLine

/// Shows what a model made of test samples.
@main
struct GarmentsPictureCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "garments-picture",
        abstract: "Draws test images with their true and predicted boxes and names, as a PNG.",
        discussion: "garments-picture examples/garments/data/test-*.npz --predictions predictions.npz")

    @Argument(help: "Test shards, in the order in which the predictions were made.")
    var shards: [String]

    @Option(help: "What mio predict wrote.")
    var predictions: String

    @Option(help: "The picture's file.")
    var output = "examples/garments/predictions.png"

    @Option(help: "Rows of six images each.")
    var rows = 4

    static func main() { checkedMain() }

    func validate() throws {
        guard (1...100).contains(rows) else { throw ValidationError("--rows must be from 1 to 100") }
    }

    func run() throws {
        let results = try TestResults(shards: shards, predictions: predictions)
        try ContactSheet(results, rows: rows).draw().write(to: output)
        let figures = ContactSheet.figures(results)
        print("\(figures.joined(separator: ", ")): \(output)")
    }
}
