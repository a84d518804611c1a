import MIOSystem

/// Writes what `print` has kept, and ends this process without the destructors of libraries.
///
/// OpenBLAS starts threads as it is loaded, and its destructor waits for them. Where memory is short (`ulimit -v`) such
/// a thread never gets its buffer and asks for it for ever: `exit` would not return.
package func endProcess(_ code: Int32) -> Never {
    fflush(nil)
    _exit(code)
}
