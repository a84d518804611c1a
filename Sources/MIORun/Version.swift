/// This mio's version, written into checkpoints and shown by `--version`.
public let mioVersion = "0.1.0"
