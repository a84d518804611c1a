import CDenseLoops

/// The steps of sequences in the order in which a recurrent layer takes them, and how tensors come into that order and back.
///
/// A tensor of the model is (samples, steps, element); inside, the steps are outermost: (steps, samples, element).
struct StepOrder {
    let steps: Int
    let backwards: Bool
    /// (samples, steps), in the sequence's order: 1 for a step that counts, 0 for one that does not; `nil` if all count.
    let mask: UnsafePointer<Float>?

    /// Where a step stands in the sequence.
    @inline(__always)
    func position(_ step: Int) -> Int { backwards ? steps - 1 - step : step }

    @inline(__always)
    func counts(_ step: Int, sample: Int) -> Bool {
        mask.map { $0[sample * steps + position(step)] != 0 } ?? true
    }

    func gather(
        _ sequence: UnsafePointer<Float>, samples: Int, features: Int, to target: UnsafeMutablePointer<Float>
    ) {
        for sample in 0..<samples {
            for step in 0..<steps {
                (target + (step * samples + sample) * features).update(
                    from: sequence + (sample * steps + position(step)) * features, count: features)
            }
        }
    }

    func scatter(
        _ values: UnsafePointer<Float>, samples: Int, features: Int, to sequence: UnsafeMutablePointer<Float>,
        adds: Bool
    ) {
        for sample in 0..<samples {
            for step in 0..<steps {
                let source = values + (step * samples + sample) * features
                let target = sequence + (sample * steps + position(step)) * features
                if adds {
                    mio_add(source, target, Int64(features))
                } else {
                    target.update(from: source, count: features)
                }
            }
        }
    }

    /// The states after the steps, the output before where a step does not count: zeros if there was none, or if `zeros`.
    func writeOutputs(
        _ states: UnsafePointer<Float>, samples: Int, units: Int, sequences: Bool, zeros: Bool,
        to outputs: UnsafeMutablePointer<Float>
    ) {
        let rows = sequences ? steps : 1
        for sample in 0..<samples {
            var step = sequences ? 0 : steps - 1
            if !sequences, !zeros {
                // The last one that counts.
                while step >= 0, !counts(step, sample: sample) { step -= 1 }
            }
            for row in 0..<rows {
                let output = outputs + (sample * rows + row) * units
                if step >= 0, counts(step, sample: sample) {
                    output.update(from: states + (step * samples + sample) * units, count: units)
                } else if row > 0, !zeros {
                    output.update(from: output - units, count: units)
                } else {
                    output.update(repeating: 0, count: units)
                }
                step += 1
            }
        }
    }

    /// For each step that counts the gradient by its state as an output: its own and that of the steps that repeat it.
    /// - Parameter gradient: by the outputs; `nil` if there is none.
    func gatherGradients(
        _ gradient: UnsafePointer<Float>?, samples: Int, units: Int, sequences: Bool, zeros: Bool,
        to target: UnsafeMutablePointer<Float>
    ) {
        guard let gradient else {
            return target.update(repeating: 0, count: samples * steps * units)
        }
        for sample in 0..<samples {
            for step in stride(from: steps - 1, through: 0, by: -1) {
                let own = target + (step * samples + sample) * units
                if sequences {
                    own.update(from: gradient + (sample * steps + step) * units, count: units)
                } else if step == steps - 1 {
                    own.update(from: gradient + sample * units, count: units)
                } else {
                    own.update(repeating: 0, count: units)
                }
                // The step after it repeats this one's output.
                if step < steps - 1, !zeros, !counts(step + 1, sample: sample) {
                    mio_add(own + samples * units, own, Int64(units))
                }
            }
        }
    }
}
