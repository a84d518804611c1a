import Testing

/// The real `mio-worker` under a real `mpirun`, seen from outside: its exit code, its messages, its files.
///
/// One test after the other: each starts several processes.
@Suite(.serialized) enum EndToEndTests {}
