import ArgumentParser
import MIOBase
import MIOCommandLine
import MIOData
import MIOFiles

/// Makes the data of the image-metadata example.
@main
struct ImageMetadataDataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image-metadata-data",
        abstract: "Writes pictures and numbers that only together tell the answer, as shards.")

    @Option(help: "The folder to write to.")
    var output = "examples/image-metadata/data"

    @Option(help: "Another seed gives other samples.")
    var seed: UInt64 = 0

    static func main() { checkedMain() }

    func run() throws {
        try Folder.create(output)
        for shard in 0..<3 {
            try Self.write(
                64, to: "\(output)/train-\(shard).npz", seed: seed, stream: UInt64(shard) << 32)
        }
        try Self.write(64, to: "\(output)/validation-0.npz", seed: seed, stream: 100 << 32)
        print("192 training and 64 validation samples are in \(output)")
    }

    /// Writes image (n, 256, 256, 3), metadata (n, 10) and answer (n, 1).
    private static func write(_ count: Int, to path: String, seed: UInt64, stream: UInt64) throws {
        let writer = try NpzWriter(
            path: path,
            arrays: [
                .init("image", .float16, shape: [count, Scene.side, Scene.side, 3]),
                .init("metadata", .float32, shape: [count, 10]),
                .init("answer", .uint8, shape: [count, 1]),
            ])
        for index in 0..<UInt64(count) {
            let scene = Scene(seed: seed, stream: stream + index)
            try writer.append(scene.image, to: 0)
            try writer.append(scene.metadata, to: 1)
            try writer.append([scene.answer], to: 2)
        }
        try writer.finish()
    }
}
