import Foundation
import MIOJob

/// What became of one try.
package enum SendOutcome: Hashable, Sendable {
    case sent
    /// In a few words, which may have text of others.
    case failed(String, mayBeTriedAgain: Bool)
}

/// One way of telling somebody.
package protocol NotificationSender: Sendable {
    /// As messages call it, without secrets.
    var name: String { get }
    var mostTries: Int { get }
    /// Tries once, and returns within about that many seconds.
    /// - Parameter isAbandoned: asked several times a second: nobody waits any more. A program is then ended.
    func send(_ message: NotificationMessage, within seconds: Double, isAbandoned: () -> Bool) -> SendOutcome
}

extension NotificationSender {
    package func send(_ message: NotificationMessage, within seconds: Double) -> SendOutcome {
        send(message, within: seconds, isAbandoned: { false })
    }
}

extension RunNotification {
    /// - Parameter environment: of this process, from before it has other threads.
    package func sender(environment: [String: String] = ProcessInfo.processInfo.environment)
        -> any NotificationSender
    {
        switch way {
        case .command(let arguments): CommandSender(arguments: arguments, environment: environment)
        case .webhook(let webhook): WebhookSender(webhook: webhook)
        case .mail(let mail): MailSender(mail: mail, environment: environment)
        }
    }
}
