import ArgumentParser
import MIO
import MIOBenchmark
import MIOFiles

/// Writes made-up data of one of the two models, for runs of mio-worker and of other frameworks.
struct ShardsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shards",
        abstract: "Writes shards of made-up numbers that one of the two models can be trained on.",
        discussion: "train-0.npz, train-1.npz, …: the same bytes every time, other numbers in every shard.")

    @Option(
        help: ArgumentHelp("The model whose inputs and targets to write.", valueName: StartingModel.names))
    var model: StartingModel

    @Option(help: "The folder to write to; it is made if it is not there.")
    var output: String

    @Option(help: "Samples in all shards together.")
    var rows = 65_536

    @Option(help: "How many files.")
    var shards = 4

    @Option(help: "Height and width of the images.")
    var imageSide = 256

    func validate() throws {
        guard shards >= 1 else { throw ValidationError("--shards \(shards): at least 1 is needed") }
        guard rows >= shards else {
            throw ValidationError("--rows \(rows): at least one for each of \(shards) shards is needed")
        }
        guard imageSide >= 5 else { throw ValidationError("--image-side \(imageSide): at least 5 is needed") }
    }

    func run() throws {
        try Folder.create(output)
        for shard in 0..<shards {
            // Where the rows do not divide, the first shards have one more.
            try model.writeData(
                rows: rows / shards + (shard < rows % shards ? 1 : 0), imageSide: imageSide,
                stream: UInt64(shard), to: Folder.join(output, "train-\(shard).npz"))
        }
    }
}
