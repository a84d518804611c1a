import ArgumentParser
import Garments
import MIOBase
import MIOCommandLine
import MIOFiles

/// Makes the data of the garments example.
@main
struct GarmentsDataCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "garments-data",
        abstract: "Places the garments of Fashion-MNIST on noisy canvases, and writes them as shards.")

    @Option(help: "The folder of the four Fashion-MNIST files.")
    var source = "/usr/share/datasets/fashion-mnist"

    @Option(help: "The folder to write to.")
    var output = "examples/garments/data"

    @Option(help: "Another seed gives other sizes, places, noise and metadata.")
    var seed: UInt64 = 0

    @Option(help: "Training samples.")
    var train = 55_000

    @Option(help: "Validation samples: the garments after those for training.")
    var validation = 5_000

    @Option(help: "Test samples: of garments that are in neither.")
    var test = 10_000

    @Option(help: "Samples a shard.")
    var shard = 5_000

    static func main() async { await checkedMain() }

    func validate() throws {
        guard train > 0, validation > 0, test > 0, shard > 0 else {
            throw ValidationError("--train, --validation, --test and --shard must be positive")
        }
        guard train <= 60_000, validation <= 60_000 - train, test <= 10_000 else {
            throw ValidationError(
                "Fashion-MNIST has 60000 garments to train and validate on, and 10000 to test on")
        }
    }

    func run() async throws {
        try Folder.create(output)
        let known = try GarmentImages(folder: source, part: .train)
        let unknown = try GarmentImages(folder: source, part: .test)
        let learning =
            ShardPlan.shards("train", of: 0..<train, size: shard, folder: output, firstStream: 0)
            + ShardPlan.shards(
                "validation", of: train..<train + validation, size: shard, folder: output,
                firstStream: 1 << 32)
        let testing = ShardPlan.shards(
            "test", of: 0..<test, size: shard, folder: output, firstStream: 2 << 32)
        try removeOldShards()
        let seed = seed
        try await withThrowingTaskGroup(of: Void.self) { group in
            for plan in learning { group.addTask { try plan.write(known, seed: seed) } }
            for plan in testing { group.addTask { try plan.write(unknown, seed: seed) } }
            try await group.waitForAll()
        }
        print("\(train) training, \(validation) validation and \(test) test samples are in \(output)")
    }

    /// Shards of an earlier call with more samples would be read as if they belonged to this one.
    private func removeOldShards() throws {
        for name in try Folder.names(in: output)
        where name.wholeMatch(of: /(train|validation|test)-\d+\.npz/) != nil {
            try Folder.remove(Folder.join(output, name))
        }
    }
}
