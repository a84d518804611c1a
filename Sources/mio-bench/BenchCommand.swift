import ArgumentParser
import MIO

/// Times the training step of the two models everything starts from.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mio-bench",
        abstract: "Times and counts the training step of the two models everything starts from.",
        discussion: """
            Without a subcommand: a table of both models at 1 and 2 ranks. Times are reports and differ from run \
            to run; allocations, bytes and collectives do not.
            """,
        version: mioVersion,
        subcommands: [
            TableCommand.self, RunCommand.self, AllreduceCommand.self, ShardsCommand.self, LimitsCommand.self,
        ],
        defaultSubcommand: TableCommand.self)
}
