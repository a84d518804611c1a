import Foundation
import MIOBase
import MIOConfig
import MIOFormats
import MIORecords

// The process that the tests of `CheckpointStore` kill, or starve of disk:
//     mio-checkpoint-check FOLDER KEEP COUNT [LARGEST-FILE]
// writes COUNT checkpoints (endlessly if 0) after the newest there is. At step s every value is s.
// With LARGEST-FILE, in bytes, files cannot grow beyond it from the third checkpoint on.
//     mio-checkpoint-check run FOLDER
// behaves like a training that never ends: an event a step, a checkpoint every five, in the background.

let arguments = CommandLine.arguments
if arguments.count == 3, arguments[1] == "run" { train(arguments[2]) }
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

func train(_ folder: String) -> Never {
    do {
        let run = try RunDirectory(folder)
        let store = CheckpointStore(folder: run.checkpointsPath, keep: 2)
        var step = try store.newestValid()?.checkpoint.manifest.step ?? 0
        let keeper = try RecordKeeper(
            kinds: [EventKind(event: "step", names: ["loss"])],
            sinks: [try JSONLinesSink(path: run.metricsPath, keepingThrough: step)], store: store,
            capacity: 8)
        while true {
            step += 1
            withUnsafePointer(to: Double(step)) {
                keeper.post(
                    0, step: step, epoch: 0, values: UnsafeBufferPointer(start: $0, count: 1))
            }
            if step % 5 == 0 {
                keeper.submit(
                    Checkpoint(
                        mioVersion: "test", step: step, epoch: 0, position: 0, seed: 1, jobName: "check",
                        worldSize: 1, state: .null, weights: tensors("weight", step: step), optimizer: []))
                try FileHandle.standardOutput.write(contentsOf: Data("\(step)\n".utf8))
            }
            if let error = keeper.takeError() {
                print(error)
                exit(error.exitCode.rawValue)
            }
        }
    } catch {
        print(error)
        exit(70)
    }
}

do {
    var store = CheckpointStore(folder: arguments[1], keep: CheckpointRetention(last: keep))
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
