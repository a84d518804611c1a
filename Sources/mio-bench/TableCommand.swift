import ArgumentParser
import Foundation
import MIO
import MIOBenchmark
import MIOConfig
import MIOMachine

/// Both models at 1 and 2 ranks, as a table.
struct TableCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "table",
        abstract: "Runs both models under mpirun, and prints a table.")

    @Option(help: ArgumentHelp("One model instead of both.", valueName: StartingModel.names))
    var model: StartingModel?

    @Option(help: "Numbers of ranks, each with a batch of its own: as many samples a rank in every row.")
    var ranks = "1,2"

    @Option(help: "Height and width of the images.")
    var imageSide = 256

    @Option(help: "native, or reference: plain and slow, the oracle.")
    var kernels = KernelSelection.native

    private static let columns: [(title: String, width: Int)] = [
        ("model", 15), ("ranks", 6), ("threads", 8), ("batch", 6), ("steps/s", 9), ("samples/s", 10),
        ("median", 11), ("fastest", 11), ("first step", 11), ("memory", 9), ("allocations", 12),
        ("in MPI", 7), ("in oneDNN", 10), ("collectives", 12), ("bytes reduced", 13),
    ]

    private func worldSizes() throws -> [Int] { try NumberList.parse(ranks, option: "ranks") }

    func validate() throws { _ = try worldSizes() }

    func run() throws {
        try Self.write(Self.row(Self.columns.map(\.title)))
        for model in model.map({ [$0] }) ?? StartingModel.allCases {
            for ranks in try worldSizes() {
                let result = try Launch.run(
                    ranks: ranks,
                    [
                        "run", "--model", model.rawValue, "--batch-size", "\(model.usualBatchSize * ranks)",
                        "--image-side", "\(imageSide)", "--kernels", kernels.rawValue,
                    ])
                try Self.write(Self.row(Self.cells(result)))
            }
        }
        try Self.write(
            """

            Times in milliseconds, first step in seconds since mpirun was started, memory of one rank in MB; \
            allocations, collectives and bytes of one rank in one step after warm-up. "in MPI", "in oneDNN": what \
            those libraries allocate inside their own calls, and is not counted before.
            """)
    }

    /// At once, though a run may take minutes and the output may be a file.
    private static func write(_ line: String) throws {
        try StandardStreams.print(line)
    }

    private static func row(_ cells: [String]) -> String {
        zip(cells, columns).map { cell, column in
            column.title == "model"
                ? cell.padding(toLength: column.width, withPad: " ", startingAt: 0)
                : String(repeating: " ", count: max(1, column.width - cell.count)) + cell
        }.joined(separator: " ")
    }

    private static func cells(_ result: ConfigValue) throws -> [String] {
        var reader = try ConfigReader(result, at: ConfigPath("mio-bench run"))
        func real(_ key: String, decimals: Int, scale: Double = 1) throws -> String {
            guard let value = try reader.optionalReal(key) else { return "–" }
            return fixedText(value * scale, decimals: decimals)
        }
        func integer(_ key: String) throws -> String {
            try reader.optionalInteger(key).map { "\($0)" } ?? "–"
        }
        return try [
            reader.string("model"), integer("ranks"), integer("threads_per_rank"), integer("batch_size"),
            real("steps_per_second", decimals: 1), real("samples_per_second", decimals: 1),
            real("median_step_milliseconds", decimals: 3), real("fastest_step_milliseconds", decimals: 3),
            real("first_step_seconds", decimals: 2), real("peak_memory_bytes", decimals: 0, scale: 1e-6),
            integer("allocations_per_step"), integer("communication_allocations_per_step"),
            integer("onednn_allocations_per_step"), integer("collectives_per_step"),
            integer("bytes_reduced_per_step"),
        ]
    }
}
