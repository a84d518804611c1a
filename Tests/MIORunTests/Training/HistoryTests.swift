import MIOBase
import MIORun
import Testing

@Suite struct HistoryTests {
    private let history = History(epochs: [
        History.Epoch(number: 3, names: ["loss", "val_loss"], values: [0.123456, 1234.567]),
        History.Epoch(number: 4, names: ["loss"], values: [0.1]),
    ])

    @Test func numbersByName() {
        #expect(history["loss"] == [0.123456, 0.1])
        // An epoch without a validation has no such number.
        #expect(history["val_loss"] == [1234.567])
        #expect(history["accuracy"].isEmpty)
        #expect(history.names == ["loss", "val_loss"])
        #expect(history.epochs[1]["val_loss"] == nil)
        #expect(History().names.isEmpty)
    }

    @Test func aLineForEachEpoch() {
        #expect(
            history.description == """
                epoch 3: loss 0.1235, val_loss 1235
                epoch 4: loss 0.1
                """)
        #expect(shortText(.nan) == "nan")
        #expect(History().description.isEmpty)
    }
}
