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

    @Option(
        help: ArgumentHelp(
            "The least number of ranks with which a run goes on when hosts are lost; below it waits until hosts are back.",
            valueName: "ranks"))
    var minRanks = 1

    @Option(
        help: ArgumentHelp(
            "How long a run on several hosts may stand still before they are asked whether they are there.",
            valueName: "seconds"))
    var hostSeconds = 60.0

    @Option(
        help: ArgumentHelp(
            "A host that was left out and has answered again for so long is taken in again, after a checkpoint. 0: only when "
                + "the run starts again anyway.", valueName: "seconds"))
    var rejoinSeconds = 300.0

    @Option(
        help: ArgumentHelp(
            "How long a launch may take until its first rank has begun.", valueName: "seconds"))
    var launchSeconds = 1800.0

    func validate() throws {
        guard (0...1_000_000).contains(restarts) else {
            throw ValidationError("--restarts \(restarts): expected a number from 0 to 1000000")
        }
        guard (1...1_000_000).contains(minRanks) else {
            throw ValidationError("--min-ranks \(minRanks): expected a number from 1 to 1000000")
        }
        for (name, seconds, least) in [
            ("host", hostSeconds, 1.0), ("rejoin", rejoinSeconds, 0.0), ("launch", launchSeconds, 1.0),
        ] where !(least...1_000_000).contains(seconds) {
            throw ValidationError(
                "--\(name)-seconds \(seconds): expected seconds from \(Int(least)) to 1000000")
        }
        if let hangSeconds, !(1...1_000_000).contains(hangSeconds) {
            throw ValidationError("--hang-seconds \(hangSeconds): expected seconds from 1 to 1000000")
        }
    }
}
