import MIOBase
import MIOFiles
import MIORun
import TestFolders
import Testing

@Suite struct RunRecordTests {
    @Test func theTextOfARun() throws {
        let folder = try TemporaryFolder()
        _ = try folder.write(Array("name: ü\n".utf8), to: "job.yaml")
        #expect(try RunRecord.text(of: folder.path) == "name: ü\n")
    }

    @Test(
        arguments: [
            (nil, ExitCode.missingInput), ([], .badInput), ([0x6e, 0xff, 0xfe], .badInput),
        ] as [([UInt8]?, ExitCode)])
    func whatIsNoTextIsRefused(bytes: [UInt8]?, code: ExitCode) throws {
        let folder = try TemporaryFolder()
        if let bytes { _ = try folder.write(bytes, to: "job.yaml") }
        let error = #expect(throws: FileError.self) { try RunRecord.text(of: folder.path) }
        #expect(error?.exitCode == code)
        #expect(error.map { "\($0)".contains(folder.path("job.yaml")) } == true)
    }
}
