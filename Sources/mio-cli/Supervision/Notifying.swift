import MIOFiles
import MIOMachine
import MIONotifications
import MIORun
import MIORunFolder
import MIOThreads

/// Those whom the job names are told what happens to the run.
extension RunSupervisor {
    /// Says which of them cannot be reached, as far as that is known now. The run goes on without them.
    func startNotifying() {
        for problem in job.notificationProblems {
            Message.write("mio: \(problem); the run goes on, and nobody is told this way")
        }
        let folder = folder
        notifier = Notifier(
            job.notifications, of: folder, name: job.name, mioVersion: mioVersion,
            generation: lease?.lease.generation
        ) { sentence in
            Message.write("mio: \(sentence)")
            // Of a run that was refused nothing stays.
            if folder.isRun { try? folder.events.append(SupervisionEvent(.notification, text: sentence)) }
        }
    }

    /// The run has ended.
    func over(_ state: RunStatus.State, _ end: RunEnd, step: Int) { notifier?.over(state, end, step: step) }

    /// Waits a little for what is being sent. The lease is held meanwhile; a request to stop ends the wait.
    func endNotifying() {
        guard let notifier else { return }
        var beaten = MonotonicClock.seconds
        notifier.close {
            if MonotonicClock.seconds - beaten >= Lease.beatSeconds {
                beaten = MonotonicClock.seconds
                if !beat() { return true }
            }
            return ChildProcess.isRequested
        }
        self.notifier = nil
    }
}
