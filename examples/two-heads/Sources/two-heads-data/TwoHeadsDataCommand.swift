import ArgumentParser
import MIOBase
import MIOCommandLine
import MIOData
import MIOFiles

/// Makes the data of the two-heads example.
@main
struct TwoHeadsDataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "two-heads-data",
        abstract: "Writes vectors in which a kind and a box are hidden, as shards.")

    @Option(help: "The folder to write to.")
    var output = "examples/two-heads/data"

    @Option(help: "Another seed gives another way of hiding, and other samples.")
    var seed: UInt64 = 0

    static func main() { checkedMain() }

    func run() throws {
        try Folder.create(output)
        let hiding = Hiding(seed: seed)
        for shard in 0..<4 {
            try hiding.write(3000, to: "\(output)/train-\(shard).npz", seed: seed, stream: UInt64(shard))
        }
        try hiding.write(2000, to: "\(output)/validation-0.npz", seed: seed, stream: 100)
        print("12000 training and 2000 validation samples are in \(output)")
    }
}
