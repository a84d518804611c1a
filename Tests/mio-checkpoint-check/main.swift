import Foundation
import MIOConfig
import MIOCoordinator
import MIOFormats
import MIOTensor

// The process that the tests of `CheckpointStore` kill, or starve of disk:
//     mio-checkpoint-check FOLDER KEEP COUNT [LARGEST-FILE]
// writes COUNT checkpoints (endlessly if 0) after the newest there is. At step s every value is s.
// With LARGEST-FILE, in bytes, files cannot grow beyond it from the third checkpoint on.

let arguments = CommandLine.arguments
guard arguments.count >= 4, let keep = Int(arguments[2]), let count = Int(arguments[3]) else {
    print("usage: mio-checkpoint-check FOLDER KEEP COUNT [LARGEST-FILE]")
    exit(64)
}

func tensors(_ prefix: String, step: Int) -> [NamedTensor] {
    (0..<4).map { index in
        let storage = Storage<Float>(count: 20_000 + index)
        storage.fill(Float(step))
        return NamedTensor(name: "\(prefix)\(index)", shape: [storage.count], storage: storage)
    }
}

do {
    var store = CheckpointStore(folder: arguments[1], keep: keep)
    var step = try store.newestValid()?.checkpoint.manifest.step ?? 0
    var written = 0
    while count == 0 || written < count {
        if arguments.count > 4, written == 2, let largest = UInt(arguments[4]) {
            // The write then fails with EFBIG instead of ending the process.
            signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit(rlim_cur: largest, rlim_max: largest)
            guard setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0 else { exit(70) }
        }
        step += 1
        try store.write(
            Checkpoint(
                mioVersion: "test", step: step, epoch: step / 10, position: step % 10, seed: 1,
                jobName: "check", worldSize: 1, state: .dictionary(["value": .real(Double(step) / 3)]),
                weights: tensors("weight", step: step), optimizer: tensors("moment", step: step)))
        written += 1
        try FileHandle.standardOutput.write(contentsOf: Data("\(step)\n".utf8))
    }
} catch let error as any MIOError {
    print(error)
    exit(error.exitCode.rawValue)
}
