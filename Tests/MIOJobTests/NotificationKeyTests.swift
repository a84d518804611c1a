import MIOConfig
import MIOJob
import Testing

@Suite struct NotificationKeyTests {
    private func job(_ notifications: String) throws -> Job {
        try OneDense.job(notifications, folder: "/jobs/a")
    }

    private func message(_ entry: String) throws -> String {
        "\(try #require(#expect(throws: JobError.self) { try job("notifications: [\(entry)]") }))"
    }

    @Test func allKeysAreRead() throws {
        let job = try job(
            """
            notifications:
              - {mail: [ada@example.org, root], from: mio@example.org, sendmail: bin/msmtp, on: all}
              - {webhook: "https://a.example.org:8443/x?y=1", secret_file: secret, on: [failed, non_finite], timeout: 5}
              - {webhook_file: /keys/url}
              - {command: [notify-send, "a b"], on: hang}
              - {command: ../tell}
            """)
        typealias Entry = RunNotification
        #expect(
            job.notifications == [
                Entry(
                    .mail(
                        .init(
                            to: ["ada@example.org", "root"], from: "mio@example.org",
                            sendmail: "/jobs/a/bin/msmtp")),
                    on: Set(Entry.Event.allCases)),
                Entry(
                    .webhook(.init(.url("https://a.example.org:8443/x?y=1"), secretFile: "/jobs/a/secret")),
                    on: [.failed, .nonFinite], timeout: 5),
                Entry(.webhook(.init(.file("/keys/url")))),
                Entry(.command(["notify-send", "a b"]), on: [.hang]),
                Entry(.command(["/jobs/tell"])),
            ])
        #expect(job.notifications[2].events == [.finished, .stopped, .failed, .hang])
        #expect(job.notifications[2].timeout == 10)
    }

    /// The run's folder has the resolved job: read from anywhere, it is the same.
    @Test func theResolvedJobIsTheSame() throws {
        let job = try job(
            """
            notifications:
              - {mail: ada@example.org, from: m@example.org, sendmail: msmtp}
              - {webhook: "https://example.org/x", secret_file: secret, on: all, timeout: 7}
              - {webhook_file: url, secret_file: secret}
              - {command: [./tell, a]}
            """)
        let again = try Job(yaml: job.resolvedYAML, folder: "/elsewhere")
        #expect(again == job)
        #expect(again.notifications == job.notifications)
        #expect(try self.job("").resolvedYAML.contains("notifications") == false)
    }

    @Test func oneEntryNeedsNoList() throws {
        #expect(
            try job("notifications: {command: tell}").notifications == [RunNotification(.command(["tell"]))])
    }

    @Test(arguments: [
        ("{}", "expected one of command, webhook, webhook_file, mail, found none"),
        ("{mail: a, command: b}", "found mail, command; write an entry for each"),
        ("{command: []}", "notifications[0].command: expected a program and its arguments"),
        ("{command: \"notify-send mio\"}", "no shell splits the text \"notify-send mio\""),
        ("{mail: []}", "notifications[0].mail: expected an address"),
        (
            "{mail: \"a@b.org\\nBcc: c\"}",
            "expected an address such as ada@example.org, found \"a@b.org\\nBcc: c\""
        ),
        ("{mail: a, from: \"x <y>\"}", "notifications[0].from: expected an address"),
        ("{webhook: ftp://example.org}", "expected an http or https address"),
        ("{webhook: \"https://example.org/\\r\\nX: y\"}", "expected an http or https address"),
        ("{webhook: example.org}", "expected an http or https address"),
        ("{webhook: \"https://\"}", "expected an http or https address"),
        ("{mail: a, secret_file: x}", "belongs to webhook, webhook_file, and this entry is a mail"),
        ("{command: a, from: x}", "belongs to mail, and this entry is a command"),
        ("{mail: a, on: [finish]}", "unknown name \"finish\"; did you mean \"finished\"?"),
        ("{mail: a, on: []}", "leave the entry out"),
        ("{mail: a, timeout: 0}", "at least 1"),
        ("{mail: a, subject: x}", "unknown key"),
        ("{mail: }", "expected an address, as ada@example.org, or a list of them, found null"),
    ])
    func whatIsWrongIsTold(entry: String, words: String) throws {
        let text = try message(entry)
        #expect(text.contains(words), "\(text)")
        #expect(text.contains("notifications"), "\(text)")
    }

    /// The message is for a log, which others read too.
    @Test func aPasswordDoesNotBelongIntoAJob() throws {
        let text = try message("{webhook: \"https://ada:geheim@example.org\"}")
        #expect(text.contains("name that as webhook_file"), "\(text)")
        #expect(!text.contains("geheim"), "\(text)")
    }
}
