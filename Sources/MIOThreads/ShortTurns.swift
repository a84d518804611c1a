import CThreads

/// Asks the system to give the calling thread turns of about this length: short ones come soon after it wakes, where it
/// shares a core with a thread that never sleeps. A wish: where it is refused, nothing changes.
public func askForTurns(ofNanoseconds nanoseconds: UInt64) {
    mio_ask_for_turns(nanoseconds)
}
