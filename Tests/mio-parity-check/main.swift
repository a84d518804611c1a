import Foundation
import KerasParity
import MIO

// Trains every given golden training and prints how far it ends from Keras, in tolerances.
//
//     mio-parity-check [--kernels native|reference] FILE...
//
// Exit code 0 if all is within tolerance, 1 if not, 64 for wrong usage.

/// One row of the table.
func row(_ columns: [String], widths: [Int]) -> String {
    zip(columns, widths).map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }.joined(separator: " ")
}

func number(_ value: Double, digits: Int = 7) -> String { String(format: "%.\(digits)g", value) }

var kernels = KernelSelection.native
var paths = Array(CommandLine.arguments.dropFirst())
if paths.first == "--kernels", paths.count > 1, let chosen = KernelSelection(rawValue: paths[1]) {
    kernels = chosen
    paths.removeFirst(2)
}
guard !paths.isEmpty, !paths.contains(where: { $0.hasPrefix("-") }) else {
    print("usage: mio-parity-check [--kernels native|reference] FILE...")
    exit(64)
}

let selected = kernels
let widths = [26, 24, 13, 13, 12, 24]
var failures = 0
do {
    print(row(["training", "number", "mio", "Keras", "difference", "of its tolerance"], widths: widths))
    for path in paths {
        let name = ((path as NSString).lastPathComponent as NSString).deletingPathExtension
        let training = try ParityTraining(Golden(path: path))
        let outcome = try training.run { try selected.makeBackend(threads: 1) }
        for (what, worst) in try training.deviations(of: outcome) {
            if !worst.isWithinTolerance { failures += 1 }
            print(
                row(
                    [
                        name.replacingOccurrences(of: "model-", with: ""), what, number(worst.received),
                        number(worst.expected), number(abs(worst.received - worst.expected), digits: 2),
                        number(worst.ratio, digits: 2) + (worst.isWithinTolerance ? "" : "  TOO FAR"),
                    ], widths: widths))
        }
    }
} catch {
    print("mio-parity-check: \(error)")
    exit(1)
}
exit(failures == 0 ? 0 : 1)
