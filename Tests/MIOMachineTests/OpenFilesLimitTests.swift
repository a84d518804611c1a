import MIOMachine
import Testing

@Suite struct OpenFilesLimitTests {
    /// Open MPI 4.1.4 waits for ever with fewer than 33 and 4 for each rank.
    @Test(arguments: [1, 2, 3, 8, 1000]) func theLauncherHasEnough(ranks: Int) {
        #expect(OpenFilesLimit.needed(ranks: ranks) >= 33 + 4 * ranks)
        #expect(OpenFilesLimit.needed(ranks: ranks) <= 60 + 4 * ranks)
    }

    @Test func moreThanAnyMachineHas() throws {
        #expect(OpenFilesLimit.needed(ranks: .max) == .max)
        try OpenFilesLimit.prepareLaunch(ranks: 0)
    }
}
