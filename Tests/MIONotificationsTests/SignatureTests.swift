import Foundation
import MIOBase
import MIONotifications
import TestFolders
import Testing

@Suite struct SignatureTests {
    /// The example of the specification's own documentation.
    @Test func theSignatureIsThatOfTheSpecification() throws {
        let folder = try TemporaryFolder()
        let path = try secret("whsec_plJ3nmyCDGBKInavdOK15jsl\n", 0o600, in: folder)
        let signature = try WebhookSignature(
            id: "msg_loFOjxBNrRLzqYUf", timestamp: 1_731_705_121,
            body: Array(#"{"event_type":"ping","data":{"success":true}}"#.utf8), key: SecretFile.key(path))
        #expect(
            signature.headers == [
                "webhook-id: msg_loFOjxBNrRLzqYUf", "webhook-timestamp: 1731705121",
                "webhook-signature: v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
            ])
    }

    @Test func withoutASecretNothingIsSigned() throws {
        let signature = try WebhookSignature(id: "1", timestamp: 2, body: [], key: nil)
        #expect(signature.headers == ["webhook-id: 1", "webhook-timestamp: 2"])
    }

    @Test func aSecretIsTheTextOfItsFile() throws {
        let folder = try TemporaryFolder()
        let path = try secret("0123456789abcdef\n", 0o400, in: folder)
        #expect(try SecretFile.key(path) == Array("0123456789abcdef".utf8))
    }

    @Test(arguments: [0o640, 0o604, 0o644, 0o660])
    func aSecretThatOthersMayReadIsRefused(mode: Int) throws {
        let folder = try TemporaryFolder()
        let path = try secret("0123456789abcdef", mode, in: folder)
        let error = #expect(throws: FileError.self) { try SecretFile.key(path) }
        let text = try #require(error).description
        #expect(text.contains("found mode 0\(String(mode, radix: 8)): chmod 600 \(path)"), "\(text)")
        #expect(!text.contains("0123456789abcdef"))
    }

    @Test(arguments: ["short", "whsec_c2hvcnQ=", "whsec_!", ""])
    func aSecretThatIsNoneIsRefused(text: String) throws {
        let folder = try TemporaryFolder()
        let path = try secret(text, 0o600, in: folder)
        #expect(throws: FileError.self) { try SecretFile.key(path) }
    }

    @Test func anAddressMayBeSecretToo() throws {
        let folder = try TemporaryFolder()
        let path = try secret("https://hooks.example.org/T0/xyz\n", 0o600, in: folder)
        #expect(try SecretFile.url(path) == "https://hooks.example.org/T0/xyz")
        let bad = try secret("ftp://hooks.example.org/xyz", 0o600, in: folder)
        let error = #expect(throws: FileError.self) { try SecretFile.url(bad) }
        #expect(try #require(error).description.contains("xyz") == false)
    }
}

/// A file of a mode.
func secret(_ text: String, _ mode: Int, in folder: TemporaryFolder) throws -> String {
    let path = folder.path("secret-\(UUID().uuidString)")
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    return path
}
