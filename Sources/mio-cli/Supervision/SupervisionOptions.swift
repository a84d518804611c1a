import ArgumentParser

/// What `mio train` does about a run that fails.
struct SupervisionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How often a run that died or hung is started again from its newest checkpoint; ten minutes of training "
                + "give one back. 0: never.", valueName: "number"))
    var restarts = 10

    @Flag(help: "Tells what it would do about a run that died or hangs, and does not do it.")
    var reportOnly = false

    @Option(
        help: ArgumentHelp(
            "How long all ranks may stand still; learned from the run if left out.", valueName: "seconds"))
    var hangSeconds: Double?

    func validate() throws {
        guard (0...1_000_000).contains(restarts) else {
            throw ValidationError("--restarts \(restarts): expected a number from 0 to 1000000")
        }
        if let hangSeconds, !(1...1_000_000).contains(hangSeconds) {
            throw ValidationError("--hang-seconds \(hangSeconds): expected seconds from 1 to 1000000")
        }
    }
}
