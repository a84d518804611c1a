import CThreads

/// Asks the system to give the calling thread turns of about this length: short ones come soon after it wakes, where it
/// shares a core with a thread that never sleeps. A wish: where it is refused, nothing changes.
package func askForTurns(ofNanoseconds nanoseconds: UInt64) {
    mio_ask_for_turns(nanoseconds)
}

/// Binds the calling thread to one of the cores that it may use, counted from 0 and around: what measures a machine must
/// know who runs where. Where the system refuses, nothing changes.
package func bindToCore(_ index: Int) {
    mio_bind_to_core(UInt32(truncatingIfNeeded: index))
}
