import MIOBase
import MIOJob
import MIOKernels
import MIOMachine
import MIONotifications
import MIORun
import MIOTuning

/// All that can be known of a job before it trains: the data against the model, what a run would take, and
/// where it would start. Reads all of the data, writes nothing.
package struct JobCheck: Sendable {
    package let job: Job
    /// The parts whose data could be read; none if the model is larger than the memory.
    package let data: [DataCheck]
    /// `nil` if the training data could not be read.
    package let resources: ResourceCheck?
    package let runDirectory: RunDirectoryCheck
    package let findings: Findings

    /// - Parameters:
    ///   - ranks: of the run to come, at least 1.
    ///   - cores: that it would have.
    ///   - backend: that it would compute with.
    ///   - laneTuner: knows how threads shared the work in earlier runs.
    ///   - resume: what it would be asked to continue from.
    ///   - isElsewhere: whether the ranks would run on other machines, which this one cannot judge.
    package init(
        _ job: Job, ranks: Int, cores: MachineCores, backend: any KernelBackend,
        laneTuner: LaneTuner = LaneTuner(), resume: ResumeMode = .automatic, isElsewhere: Bool = false
    ) {
        var findings = Findings()
        var job = job
        var parts = job.data.parts
        do {
            try resume.verifyPresent()
            job = try job.settlingClasses(.training(resume))
        } catch {
            // Without its classes the data cannot be read.
            findings.add(error)
            parts = []
        }
        self.job = job
        for warning in job.warnings { findings.warn(warning) }
        // First: what follows takes memory that grows with the model. A training ends there, and so does a check.
        var fits = true
        do { try ModelMemory(job, trains: true).verify(ranks: ranks) } catch {
            findings.addMemory(error, isElsewhere: isElsewhere)
            fits = false
        }
        if !fits { parts = [] }
        do { try CallbackFiles.verify(job) } catch { findings.add(error) }
        for problem in job.notificationProblems { findings.warn(problem) }
        for warning in SharedFiles.warnings(job) { findings.warn(warning) }
        let data = parts.compactMap { DataCheck($0.key, $0.source, of: job, into: &findings) }
        let train = data.first { $0.key == "train" }
        let resources = train.map {
            ResourceCheck(
                job, samples: $0.samples,
                validationSamples: data.first { $0.key == "validation" }?.samples ?? 0,
                floatsPerSample: $0.floatsPerSample, ranks: ranks, cores: cores,
                backend: backend, laneTuner: laneTuner)
        }
        if let train {
            resources?.judge(job, samples: train.samples, isElsewhere: isElsewhere, into: &findings)
        }
        runDirectory = RunDirectoryCheck(
            job, resume: resume, fit: resources?.fit, order: train?.order,
            stepsPerEpoch: resources?.batchesPerEpoch, fitsMemory: fits, into: &findings)
        self.data = data
        self.resources = resources
        self.findings = findings
    }

    /// That of the first error; 0 without one.
    package var exitCode: ExitCode { findings.errors.first?.exitCode ?? .finished }
}
