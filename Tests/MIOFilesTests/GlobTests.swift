import MIOFiles
import Testing

@Suite struct GlobTests {
    @Test func aFolderIsTakenAsItIsWritten() {
        #expect(Glob.escaped("/a b/[1]*?\\") == "/a b/\\[1\\]\\*\\?\\\\")
        #expect(Glob.absolute("x-*.npz", in: "/data [new]") == "/data \\[new\\]/x-*.npz")
        #expect(Glob.absolute("/data/*.npz", in: "/[x]") == "/data/*.npz")
        #expect(Glob.absolute("*.npz", in: "/") == "/*.npz")
    }
}
