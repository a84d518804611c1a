// What a user's own program imports: the functional API, samples in memory and in files, jobs, the run, and what a layer of
// its own reads its arguments with.
@_exported import MIOBase
@_exported import MIOBatches
@_exported import MIOCallbacks
@_exported import MIOConfig
@_exported import MIOData
@_exported import MIOGraph
@_exported import MIOJob
@_exported import MIOObjectives
@_exported import MIOOptimizers
@_exported import MIORun
@_exported import MIOTuning
