import MIOBase
import Testing

@Suite struct NumberTextTests {
    @Test func digitsAndDecimals() {
        #expect(shortText(0.412749) == "0.4127")
        #expect(shortText(2.5) == "2.5")
        #expect(shortText(1234567, digits: 6) == "1.23457e+06")
        #expect(shortText(.nan) == "nan")
        #expect(fixedText(3.14159, decimals: 2) == "3.14")
        #expect(fixedText(99.5, decimals: 0) == "100")
        #expect(percentText(0.374) == "37 %")
        #expect(percentText(0.9995, decimals: 1) == "100.0 %")
        #expect(numberText(-200) == "-200")
        #expect(numberText(0.5) == "0.5")
    }

    @Test func sizes() {
        #expect(byteText(0) == "0 bytes")
        #expect(byteText(1023) == "1023 bytes")
        #expect(byteText(1024) == "1.0 KiB")
        #expect(byteText(16_357_376) == "15.6 MiB")
        #expect(byteText(5 << 30) == "5.0 GiB")
        #expect(byteText(.max) == "8388608.0 TiB")
    }

    @Test func durations() {
        #expect(durationText(0) == "0")
        #expect(durationText(31.24e-6) == "31.2 µs")
        #expect(durationText(4.5e-3) == "4.50 ms")
        #expect(durationText(0.5) == "500 ms")
        #expect(durationText(1.2) == "1.20 s")
        #expect(durationText(119.4) == "119 s")
        #expect(durationText(182) == "3 min 2 s")
        #expect(durationText(7500) == "2 h 5 min")
        #expect(durationText(.infinity) == "?")
        #expect(durationText(.nan) == "?")
    }

    @Test func clocks() {
        #expect(clockText(41.6) == "0:42")
        #expect(clockText(723) == "12:03")
        #expect(clockText(10805) == "3:00:05")
        #expect(clockText(-1) == "0:00")
        #expect(clockText(.nan) == "?")
        #expect(clockText(1e9) == "?")
    }
}
