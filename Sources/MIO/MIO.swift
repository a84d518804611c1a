// What a user's own program imports: the functional API, jobs, and the run.
@_exported import MIOConfig
@_exported import MIOGraph
@_exported import MIOJob
@_exported import MIOObjectives
@_exported import MIOOptimizers
@_exported import MIORun
@_exported import MIOTensor
