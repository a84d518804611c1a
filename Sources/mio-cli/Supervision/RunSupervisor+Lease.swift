import Foundation
import MIOBase
import MIOFiles
import MIOMachine
import MIORecords
import MIORunFolder
import MIOSupervision

/// How a supervisor takes a run, and gives it up.
extension RunSupervisor {
    /// Takes the lease, before any rank of this supervisor is there: whoever starts the same run meanwhile is told.
    ///
    /// A folder that cannot be used has no lease to take; the ranks say what is wrong with it.
    /// - Throws: `FileError`: another supervisor has the run, or a file of the run cannot be read; `RunError`: this job of Slurm
    ///   is wanted no more.
    func takeOver() throws {
        try refuseWhatWasTakenOut()
        isNew = !folder.isRun
        created = folder.path.missingFolders
        let before = try? folder.lease()
        do {
            lease = try HeldLease.take(
                folder, user: ProcessInfo.processInfo.userName, isInterrupted: { ChildProcess.isRequested },
                onWait: {
                    Message.write(
                        "the run's folder is held by \($0.text); waiting \(Int(Lease.mostSilentSeconds)) s to see whether it "
                            + "is there")
                }, whenGone: OldRanks.end)
        } catch {
            if !isNew || isHeldByAnother { throw error }
            return
        }
        if let before, before.isSuperseded(by: BatchJob.current) {
            waitForTheEarlier(before)
            OldRanks.end(before)
        }
        if isNew { return }
        if let stale = try folder.request() { try folder.removeRequest(stale) }
        number = try folder.ledger()?.attempts.last?.number ?? 0
        note(SupervisionEvent(.supervised, attempt: number, by: ControlRequest.asker))
    }

    /// A controller that gives `sbatch` no answer may take the job later, when its run has been taken out of the queue: nobody
    /// knew of a job to cancel.
    private func refuseWhatWasTakenOut() throws {
        guard let request = ((try? folder.submission()) ?? nil)?.requests.last, let end = request.end,
            end.isStop, let name = request.batch?.name, name == BatchJob.currentName
        else { return }
        throw RunError(
            "\(folder.path): \(end.text) Its job began all the same, and trains nothing; to train the run, submit it again "
                + "(mio retry)", exitCode: .badInput)
    }

    /// A supervisor whose job the batch system has begun anew: it finds that it has lost the run by the next of its beats, and
    /// ends its ranks.
    private func waitForTheEarlier(_ before: Lease) {
        guard before.life != .gone else { return }
        Message.write(
            "the run's folder was held by \(before.text), of this job before it was requeued; waiting up to "
                + "\(Int(Lease.mostSilentSeconds)) s for its end")
        for _ in 0..<Int(Lease.mostSilentSeconds * 10)
        where before.life != .gone && !ChildProcess.isRequested { usleep(100_000) }
    }

    private var isHeldByAnother: Bool {
        guard let other = (try? folder.lease()) ?? nil else { return false }
        return other.holder != .own && other.life != .gone
    }

    /// Writes what the folder of a new run is to say of its supervisor, once a rank has begun there.
    func noteBeginning() {
        guard isNew, lease != nil, ((try? folder.status()) ?? nil)?.attempt == number else { return }
        isNew = false
        // Rank 0 has written it before its status, and does not again before its end.
        if var ledger = (try? folder.ledger()) ?? nil, let line,
            let place = ledger.attempts.lastIndex(where: { $0.number == number })
        {
            var attempt = RunLedger.Attempt(
                number: number, began: ledger.attempts[place].began, ranks: ranks, launch: line.arguments,
                generation: lease?.lease.generation)
            attempt.fromStep = ledger.attempts[place].fromStep
            attempt.buckets = ledger.attempts[place].buckets
            ledger.attempts[place] = attempt
            ledger.command = command
            try? folder.write(ledger)
        }
        note(SupervisionEvent(.supervised, attempt: number, by: ControlRequest.asker))
        for event in early { note(event) }
        note(SupervisionEvent(.attempt, attempt: number, text: counted(ranks, "rank")))
    }

    /// Gives the run up. Of one that was refused before it began nothing is left.
    func release() {
        endNotifying()
        guard isNew else {
            try? lease?.release()
            return
        }
        try? lease?.withdraw()
        // Not of others, who may have written there by now.
        for path in created where rmdir(path) != 0 { break }
    }
}

extension String {
    /// This folder and those above it, as far as they are not there; the deepest first.
    fileprivate var missingFolders: [String] {
        var missing: [String] = []
        var path = self
        while Folder.isMissing(path), Folder.parent(of: path) != path {
            missing.append(path)
            path = Folder.parent(of: path)
        }
        return missing
    }
}
