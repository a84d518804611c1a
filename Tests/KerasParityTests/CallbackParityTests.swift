import KerasParity
import MIOCallbacks
import MIOConfig
import MIOObjectives
import Testing

/// The decisions of Keras' callbacks, for curves that rise and fall.
@Suite struct CallbackParityTests {
    private static let name = "val_loss"

    @Test func decisions() throws {
        let cases = try Golden(named: "callbacks")["cases"].list
        #expect(cases.count == 120)
        for one in cases {
            let callback = try CallbackRegistry.read(
                one.configuration, at: ConfigPath(one.place))
            let curve = try one["values"].numbers
            switch callback {
            case is EarlyStopping: try stopping(callback, curve, one)
            case is ReduceLROnPlateau: try plateau(callback, curve, one)
            default: try saving(callback, curve, one)
            }
        }
    }

    private func logs(_ epoch: Int, _ value: Double, _ rate: Double = 0.1) -> EpochLogs {
        EpochLogs(
            epoch: epoch, values: [Self.name: value, "learning_rate": rate], directions: [:])
    }

    private func stopping(_ callback: any Callback, _ curve: [Double], _ one: Golden) throws {
        var state = CallbackState()
        var (done, kept) = (0, -1)
        for (epoch, value) in curve.enumerated() {
            let actions = callback.epochEnds(logs(epoch, value), state: &state)
            done = epoch + 1
            if actions.contains(.keepBestWeights) { kept = epoch }
            if actions.contains(where: { if case .stop = $0 { true } else { false } }) { break }
        }
        #expect(try done == one["epochs"].integer, "\(one.place)")
        #expect(try kept == one["weights_of"].integer, "\(one.place)")
    }

    private func plateau(_ callback: any Callback, _ curve: [Double], _ one: Golden) throws {
        var state = CallbackState()
        var rate = 0.1
        let rates = curve.enumerated().map { epoch, value in
            for case .setLearningRate(let next, _) in callback.epochEnds(
                logs(epoch, value, rate), state: &state)
            {
                rate = next
            }
            return rate
        }
        #expect(try rates == one["learning_rates"].numbers, "\(one.place)")
    }

    private func saving(_ callback: any Callback, _ curve: [Double], _ one: Golden) throws {
        var state = CallbackState()
        let saved = curve.indices.filter { !callback.epochEnds(logs($0, curve[$0]), state: &state).isEmpty }
        #expect(try saved == one["saved"].integers, "\(one.place)")
    }
}
