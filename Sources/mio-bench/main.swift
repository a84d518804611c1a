import MIOCommandLine
import MIORun
import MIOTensor

do {
    try CommandLineCheck.verify(CommandLine.arguments.dropFirst())
    var command = try BenchCommand.parseAsRoot()
    try command.run()
    endProcess(0)
} catch {
    BenchCommand.end(with: error)
}
