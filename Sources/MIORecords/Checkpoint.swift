import MIOBase
import MIOConfig
import MIOFiles
import MIOFormats

/// A training at one step, to be written: where it stands, and snapshots of its tensors.
///
/// The tensors' memory must not change until the checkpoint is written (`RecordKeeper.waitForCheckpoint`).
package struct Checkpoint: Sendable {
    package var manifest: CheckpointManifest
    /// The model's variables, in order.
    package let weights: [NamedTensor]
    /// The optimizer's variables.
    package let optimizer: [NamedTensor]
    /// The model's variables at the end of the best epoch; none in a training that keeps none.
    package let best: [NamedTensor]

    /// - Parameters: as `CheckpointManifest` has them; the model's fingerprint is that of `weights`.
    package init(
        mioVersion: String, step: Int, epoch: Int, position: Int, seed: Int, jobName: String, worldSize: Int,
        state: ConfigValue, logs: [String: Double] = [:], weights: [NamedTensor], optimizer: [NamedTensor],
        best: [NamedTensor] = []
    ) {
        manifest = CheckpointManifest(
            mioVersion: mioVersion, step: step, epoch: epoch, position: position, seed: seed,
            jobName: jobName, worldSize: worldSize,
            model: weights.map { StoredWeight(name: $0.name, shape: $0.shape) }, state: state, logs: logs)
        self.weights = weights
        self.optimizer = optimizer
        self.best = best
    }
}

/// A checkpoint on the disk, verified: every file whole and unchanged since it was written.
///
/// It stays readable while the store retires its folder.
package struct StoredCheckpoint: Sendable {
    /// The checkpoint's folder.
    package let path: String
    package let manifest: CheckpointManifest
    package let weights: SafetensorsFile
    package let optimizer: SafetensorsFile
    /// The weights of the best epoch; `nil` if the training keeps none.
    package let best: SafetensorsFile?

    /// - Throws: `CheckpointError` that names the first difference.
    package func verifyMatches(model: [StoredWeight]) throws(CheckpointError) {
        try manifest.verifyMatches(model, path: path)
    }
}

extension StoredCheckpoint {
    static let manifestName = "manifest.json"
    static let weightsName = "weights.safetensors"
    static let optimizerName = "optimizer.safetensors"
    static let bestName = "best.safetensors"

    /// Reads and verifies a checkpoint: the manifest, then sizes, then checksums, then both headers, then that all values
    /// are finite.
    ///
    /// - Parameter path: a folder like `checkpoints/step-000000200`.
    /// - Throws: `CheckpointError` (damaged, newer format), `FileError` if the folder is not there, or if it cannot be
    ///   read now, which says nothing of what is in it.
    package init(path: String) throws {
        // A run's folder, for one, or that of all its checkpoints.
        let isAny = CheckpointStore.step(name: Folder.name(of: path)) != nil
        guard Folder.mayBeFolder(path), isAny || !Folder.isMissing(Folder.join(path, Self.manifestName))
        else {
            throw FileError(
                action: "read", path: path,
                reason: "expected the folder of a checkpoint, like runs/NAME/checkpoints/step-000000200",
                exitCode: .missingInput)
        }
        do {
            let text = try MappedFile(Folder.join(path, Self.manifestName))
            let manifest = try CheckpointManifest(json: Array(text.bytes), path: path)
            try Self.verifyFiles(manifest, path: path)
            let weights = try SafetensorsFile(Folder.join(path, Self.weightsName))
            let found = weights.entries.map { StoredWeight(name: $0.name, shape: $0.shape) }
            guard found == manifest.model else {
                throw CheckpointError(
                    .damaged, path: path,
                    message: "\(Self.weightsName) does not hold the weights that manifest.json lists")
            }
            let optimizer = try SafetensorsFile(Folder.join(path, Self.optimizerName))
            let best =
                manifest.files.contains { $0.name == Self.bestName }
                ? try SafetensorsFile(Folder.join(path, Self.bestName)) : nil
            guard best == nil || best?.entries.map(\.shape) == weights.entries.map(\.shape),
                best == nil || best?.names == weights.names
            else {
                throw CheckpointError(
                    .damaged, path: path,
                    message: "\(Self.bestName) does not hold the parameters that manifest.json lists")
            }
            let files = [(Self.weightsName, weights), (Self.optimizerName, optimizer)]
            for (name, file) in files + (best.map { [(Self.bestName, $0)] } ?? []) {
                guard let tensor = try file.firstNonFiniteTensor() else { continue }
                throw CheckpointError(
                    .damaged, path: path,
                    message:
                        "\(name): \(quoted: tensor) has values that are NaN or infinite: the training had "
                        + "diverged; continue from an older checkpoint")
            }
            self.init(path: path, manifest: manifest, weights: weights, optimizer: optimizer, best: best)
        } catch let error as FileError where error.exitCode != .inputOutput {
            throw CheckpointError(.damaged, path: path, message: error.description)
        } catch let error as FormatError {
            throw CheckpointError(.damaged, path: path, message: error.description)
        }
    }

    private static func verifyFiles(_ manifest: CheckpointManifest, path: String) throws {
        let names = manifest.files.map(\.name)
        guard names.prefix(2) == [weightsName, optimizerName],
            names.dropFirst(2).allSatisfy({ $0 == bestName }),
            names.count <= 3
        else {
            throw CheckpointError(
                .damaged, path: path,
                message:
                    "manifest.json lists the files \(names); expected \(weightsName), \(optimizerName), and "
                    + "\(bestName) if there is one")
        }
        for file in manifest.files {
            let filePath = Folder.join(path, file.name)
            let size = try OpenFile(filePath, .reading).size()
            guard size == file.digest.size else {
                throw CheckpointError(
                    .damaged, path: path,
                    message: "\(file.name) is cut short or was changed: expected \(file.digest.size) bytes, "
                        + "received \(size)")
            }
        }
        for file in manifest.files {
            let digest = try FileDigest(ofFile: Folder.join(path, file.name))
            guard digest == file.digest else {
                throw CheckpointError(
                    .damaged, path: path,
                    message: "\(file.name) was changed: expected the CRC-32 "
                        + "\(CheckpointManifest.hexadecimal(file.digest.checksum)), its content has "
                        + CheckpointManifest.hexadecimal(digest.checksum))
            }
        }
    }
}
