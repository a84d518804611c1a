import ArgumentParser
import MIORun

/// What a training starts from.
package struct ResumeOptions: ParsableArguments {
    @Option(help: "auto: continue the run directory's newest valid checkpoint. never: start over. Or a path.")
    package var resume = "auto"

    package init() {}

    package var mode: ResumeMode { ResumeMode(resume) }
}

/// What a training starts from, and what it tells of itself.
package struct StartOptions: ParsableArguments {
    @OptionGroup package var resume: ResumeOptions

    @Option(
        help: ArgumentHelp(
            "Writes what each rank does, and when, for `mio trace`, chrome://tracing or Perfetto.",
            valueName: "file"),
        completion: .file())
    package var trace: String?

    @Option(
        help: ArgumentHelp(
            "The steps to trace, as logs number them: 100-120. Without it 200, from this run's second on.",
            valueName: "a-b"))
    package var traceSteps: StepRange?

    package init() {}

    package func validate() throws {
        guard traceSteps == nil || trace != nil else {
            throw ValidationError("--trace-steps without --trace FILE: say where to write the trace")
        }
    }

    package var resumeMode: ResumeMode { resume.mode }

    package var traceRequest: TraceRequest? {
        trace.map { TraceRequest(path: $0, steps: traceSteps?.steps) }
    }

    /// The same on another command line.
    package var arguments: [String] {
        (resumeMode == .automatic ? [] : ["--resume", resume.resume]) + argumentsToContinue
    }

    /// The same for a run that has begun, and goes on from its newest checkpoint.
    package var argumentsToContinue: [String] {
        var arguments: [String] = []
        if let trace { arguments += ["--trace", trace] }
        if let traceSteps { arguments += ["--trace-steps", traceSteps.description] }
        return arguments
    }
}

extension StepRange: ExpressibleByArgument {}
