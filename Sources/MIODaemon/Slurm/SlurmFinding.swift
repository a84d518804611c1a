import MIOBase

/// Whether this machine belongs to a Slurm.
package enum SlurmFinding: Hashable, Sendable {
    /// Its controller need not answer now.
    case there
    case missing(String)

    package init(_ settings: SlurmSettings) {
        guard SlurmProgram.find("sbatch", in: settings.path) != nil else {
            self = .missing("sbatch is in no folder of PATH")
            return
        }
        do {
            let answer = try SlurmProgram(name: "scontrol", arguments: ["ping"]).run(settings)
            // `Slurmctld(primary) at HOST is DOWN` is a Slurm too. A configuration that cannot be found is none.
            self =
                answer.status == nil || answer.text.contains("Slurmctld(")
                ? .there : .missing("sbatch is installed and not configured (\(answer.sentence))")
        } catch {
            self = .missing(error.description)
        }
    }
}
