import ArgumentParser
import MIOBase
import MIOCommandLine
import MIOMachine
import MIORun

/// `mio`: looks at a job, trains it, and uses what it learnt.
struct MIOCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mio",
        abstract: "Trains neural networks with several inputs and outputs, in parallel on CPUs.",
        discussion: """
            A job file (job.yaml) says everything: the model, the loss of each output, where the data is, and \
            how to train. The usual order:

              mio check job.yaml           what will happen, and what would go wrong
              mio train -n 4 job.yaml      4 processes; run again to continue
              mio submit -n 4 job.yaml     the same, when the daemon has cores free
              mio scale job.yaml           how many processes are worth having
              mio evaluate job.yaml        losses and metrics on data.test
              mio predict job.yaml --data 'new-*.npz' --output predictions.npz
              mio export job.yaml          a .keras file of the newest weights

            JOB is $MIO_JOB or ./job.yaml where it is left out. Any of its keys can be overridden: \
            --set training.epochs=2

            Exit codes: 0 finished, 64 usage, 65 bad job, model or data, 66 input missing, 70 a bug of mio, \
            74 reading or writing failed, 75 stopped on request after a checkpoint (run again to continue), \
            76 training diverged, 79 the same fault again and again. 128 + a signal's number where one ended it: 137 killed, as when memory runs \
            out; 143 stopped without a checkpoint, by a second request or because a rank stood still.
            """,
        version: mioVersion,
        subcommands: [
            CheckCommand.self, SummaryCommand.self, TrainCommand.self, EvaluateCommand.self,
            PredictCommand.self, ExportCommand.self, ScaleCommand.self, TraceCommand.self,
            RunsCommand.self, ShowCommand.self, LogsCommand.self, WatchCommand.self, WaitCommand.self,
            StopCommand.self, RetryCommand.self, NotifyCommand.self, CompareCommand.self, PruneCommand.self,
            VerifyCommand.self,
            SubmitCommand.self,
        ])

    /// Ends the process: with the contract's exit code and one line where something failed.
    static func runAndExit() -> Never {
        StandardStreams.reserve()
        do {
            try CommandLineCheck.verify(CommandLine.arguments.dropFirst(), of: Self.self)
            var command = try parseAsRoot()
            try command.run()
            endProcess(0)
        } catch {
            end(with: error)
        }
    }
}
