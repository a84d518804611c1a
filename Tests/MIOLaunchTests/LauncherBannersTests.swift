import MIOLaunch
import Testing

@Suite struct LauncherBannersTests {
    private let dashes = String(repeating: "-", count: 74) + "\n"

    private func filtered(_ text: String, piece: Int) -> String {
        var banners = LauncherBanners()
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: piece) {
            result += banners.filter(bytes[start..<min(start + piece, bytes.count)])
        }
        return String(decoding: result + banners.rest(), as: UTF8.self)
    }

    /// In whatever pieces it comes.
    @Test(arguments: [1, 2, 7, 75, 10_000]) func wordsAboutARanksEndAreLeftOut(piece: Int) {
        let exit = """
            prterun detected that one or more processes exited with non-zero status,
            thus causing the job to be terminated. The first process to do so was:

               Process name: [prterun-vm-28@1,0]
               Exit code:    65

            """
        let signal = """
            prterun noticed that process rank 0 with PID 18844 on node vm exited on
            signal 9 (Killed).

            """
        let before = "mio: train.npz: truncated\n"
        #expect(filtered(before + dashes + exit + dashes, piece: piece) == before)
        #expect(filtered(dashes + signal + dashes + before, piece: piece) == before)
        #expect(
            filtered(dashes + exit + dashes + before + dashes + signal + dashes + "no end", piece: piece)
                == before + "no end")
    }

    /// Of Open MPI 4, where it is not quiet.
    @Test(arguments: [1, 2, 7, 75, 10_000]) func olderWordsAreLeftOutToo(piece: Int) {
        let exit = """
            Primary job  terminated normally, but 1 process returned
            a non-zero exit code. Per user-direction, the job has been aborted.

            """
        let signal =
            "mpirun noticed that process rank 1 with PID 8426 on node b exited on signal 9 (Killed).\n"
        let status = "mpirun detected that one or more processes exited with non-zero status, thus causing\n"
        let text = [exit, signal, status].map { dashes + $0 + dashes }.joined()
        #expect(filtered("a\n" + text + "b\n", piece: piece) == "a\nb\n")
    }

    @Test(arguments: [1, 2, 7, 75, 10_000]) func aLostConnectionIsLeftOut(piece: Int) {
        let lost =
            "[vm:21680] PMIX ERROR: PMIX_ERR_UNREACH in file ../../../src/server/pmix_server.c at line 3184\n"
        #expect(filtered("mio: a\n" + lost + lost + "b\n", piece: piece) == "mio: a\nb\n")
        let closed =
            "[warn] Epoll MOD(1) on fd 23 failed. Old events were 6; read change was 0 (none): Bad file descriptor\n"
        #expect(filtered("mio: a\n" + closed + "b\n", piece: piece) == "mio: a\nb\n")
        for text in [
            "[vm:21680] PMIX ERROR: PMIX_ERR_INIT in file a.c\n", "[\n", "[vm:1]\n", "[warn] Epoll\n",
            " " + lost,
            "x" + lost, "[vm:1] step 3\r", String(repeating: "[", count: 200) + "\n",
        ] {
            #expect(filtered(text, piece: piece) == text)
        }
    }

    @Test(arguments: [1, 2, 7, 75, 10_000]) func allElsePasses(piece: Int) {
        let slots = dashes + "There are not enough slots available in the system\n" + dashes
        let texts = [
            "", "\n", "a\n", "step 3\rstep 4\r", "--- a title ---\n", "----", slots, slots + slots,
            dashes + dashes + "prterun is not it\n" + dashes, dashes + "prterun notices\n", dashes,
            "x" + dashes,
            "prterun noticed that process rank 0 did well\n", dashes + "\n" + dashes, "é–\n",
        ]
        for text in texts { #expect(filtered(text, piece: piece) == text) }
    }

    /// Progress on one line is seen as it comes.
    @Test func nothingIsHeldThatIsNoBanner() {
        var banners = LauncherBanners()
        #expect(banners.filter("step 1".utf8) == Array("step 1".utf8))
        #expect(banners.filter("\r".utf8) == Array("\r".utf8))
        #expect(banners.filter("-- ".utf8) == Array("-- ".utf8))
        #expect(banners.filter("\n--".utf8) == Array("\n".utf8))
        #expect(banners.filter(" a".utf8) == Array("-- a".utf8))
        #expect(banners.rest().isEmpty)
    }
}
