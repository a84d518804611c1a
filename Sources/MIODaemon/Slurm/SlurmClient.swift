import Foundation
import MIOBase
import MIORunFolder

/// What the daemon asks of Slurm, by Slurm's own commands.
struct SlurmClient: Sendable {
    let settings: SlurmSettings
    /// Of `mio`.
    let program: String

    typealias Failure = SlurmProgram.Failure

    enum Submitted: Hashable {
        /// The job's number.
        case job(String)
        /// Slurm's own sentence: asking again would give the same.
        case refused(String)
        /// Nobody knows whether the job was taken, or it was not for reasons that pass.
        case unknown(String)
    }

    /// What `sbatch` says where the controller, and not the job, is at fault.
    private static let passing = [
        "unable to contact slurm controller", "connect failure", "connection refused", "timed out",
        "temporarily unable",
        "resource temporarily unavailable", "zero bytes were transmitted", "standby mode",
        "could not establish a configuration source", "authentication", "munge", "transport endpoint",
    ]

    /// - Parameters:
    ///   - name: of the job.
    ///   - path: the run's folder, where the job starts.
    func submit(_ submission: Submission, name: String, path: String) -> Submitted {
        let answer: SlurmProgram.Answer
        do throws(Failure) {
            answer = try SlurmProgram(
                name: "sbatch", arguments: arguments(submission, name: name, path: path),
                environment: Submissions.environment(ofRunIn: path).merging(["MIO": program]) { $1 }
            ).run(settings)
        } catch {
            return .unknown(error.description)
        }
        guard let status = answer.status else { return .unknown(silence("sbatch")) }
        if status == 0 {
            // `1234;cluster`, after warnings.
            let numbers = answer.text.split(separator: "\n").compactMap { $0.split(separator: ";").first }
            guard let number = numbers.last(where: { $0.allSatisfy(\.isNumber) }) else {
                return .unknown("sbatch gave no job's number: \(answer.sentence)")
            }
            return .job(String(number))
        }
        let words = answer.text.lowercased()
        return Self.passing.contains(where: words.contains)
            ? .unknown(answer.sentence) : .refused(answer.sentence)
    }

    private func arguments(_ submission: Submission, name: String, path: String) -> [String] {
        var arguments = ["--parsable", "--ntasks=\(submission.ranks)"]
        if let partition = submission.partition ?? settings.partitions.first {
            arguments.append("--partition=\(partition)")
        }
        if let time = submission.timeLimit ?? settings.timeLimit { arguments.append("--time=\(time)") }
        arguments += settings.options
        // Last, so that they hold: the job is found by its name, and its log in the run's folder. The path of a log would be read
        // as a pattern, a folder's is not.
        arguments += ["--job-name=\(name)", "--chdir=\(path)", "--output=logs/slurm-%j.log"]
        arguments += [settings.script, submission.job, "--set", "run_directory=\(path)"]
        for setting in submission.settings { arguments += ["--set", setting] }
        return arguments
    }

    /// All jobs of this user that Slurm has in memory, those that ended a short while ago among them.
    func jobs() throws(Failure) -> [SlurmJob] {
        let text = try ask(
            "squeue", ["--user=\(getuid())", "--noheader", "--states=all", SlurmJob.queueFormat])
        return text.split(separator: "\n").compactMap { SlurmJob(line: $0) }
    }

    /// Jobs that `squeue` knows no more, where Slurm keeps accounts.
    func accounts(of jobs: [String]) throws(Failure) -> [SlurmJob] {
        let numbers = jobs.filter(Self.isNumber)
        guard !numbers.isEmpty else { return [] }
        let text = try ask(
            "sacct",
            [
                "--noheader", "--parsable2", "--allocations", "--jobs=\(numbers.joined(separator: ","))",
                SlurmJob.accountFormat,
            ])
        return text.split(separator: "\n").compactMap { SlurmJob(line: $0) }
    }

    /// Ends a job, whether it waits or works. One that is over already stays so.
    /// - Parameter job: a number: it comes from a file that others may write, and `scancel` takes options too.
    func cancel(_ job: String) throws(Failure) {
        guard Self.isNumber(job) else {
            throw Failure(description: "\(job.shown()) is no number of a job of Slurm")
        }
        _ = try ask("scancel", [job])
    }

    private static func isNumber(_ job: String) -> Bool {
        !job.isEmpty && job.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    private func ask(_ name: String, _ arguments: [String]) throws(Failure) -> String {
        let answer = try SlurmProgram(name: name, arguments: arguments).run(settings)
        guard let status = answer.status else { throw Failure(description: silence(name)) }
        guard status == 0 else { throw Failure(description: "\(name): \(answer.sentence)") }
        return answer.text
    }

    private func silence(_ name: String) -> String {
        "\(name) gave no answer within \(Int(settings.patience.rounded(.up))) s"
    }
}
