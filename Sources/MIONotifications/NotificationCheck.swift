import Foundation
import MIOBase
import MIOJob
import MIOProcess

extension RunNotification {
    /// What would keep it from working, as far as this machine shows it without sending anything; `nil` if nothing does.
    package func problem(environment: [String: String] = ProcessInfo.processInfo.environment) -> String? {
        do {
            switch way {
            case .command(let arguments):
                guard ProgramPath.find(arguments[0], environment: environment) == nil else { return nil }
                return arguments[0].contains("/")
                    ? "\(arguments[0].shown(most: 300)) is no program that can be started"
                    : "there is no program \(quoted: arguments[0]) in PATH"
            case .webhook(let webhook):
                if case .file(let path) = webhook.address { _ = try SecretFile.url(path) }
                if let path = webhook.secretFile { _ = try SecretFile.key(path) }
                return nil
            case .mail(let mail):
                return MailProgram.find(mail.sendmail, environment: environment) == nil
                    ? MailProgram.missing(mail.sendmail) : nil
            }
        } catch { return "\(error)" }
    }

    /// `webhook https://alerts.example.org, signed: finished, failed`
    package var summary: String {
        var text = sender(environment: [:]).name
        if case .webhook(let webhook) = way {
            text += webhook.secretFile == nil ? ", not signed" : ", signed"
        }
        return text + ": " + listed(Event.allCases.filter(events.contains).map(\.rawValue))
    }
}

extension Job {
    /// Sentences about notifications that would not work.
    package var notificationProblems: [String] {
        notifications.enumerated().compactMap { index, notification in
            notification.problem().map { "notifications[\(index)]: \($0)" }
        }
    }
}
