import MIOBase
import MIOJob

/// Gives a mail to the machine's own mail program.
struct MailSender: NotificationSender {
    let mail: RunNotification.Mail
    let environment: [String: String]

    var name: String { "mail to \(listed(mail.to))" }
    var mostTries: Int { 1 }

    func send(_ message: NotificationMessage, within seconds: Double, isAbandoned: () -> Bool) -> SendOutcome
    {
        guard let program = MailProgram.find(mail.sendmail, environment: environment) else {
            return .failed(MailProgram.missing(mail.sendmail), mayBeTriedAgain: false)
        }
        // -t: the receivers are those of the headers. -i: a line of one point does not end it.
        return ProgramCall([program, "-t", "-i"], environment: environment).outcome(
            reading: Array(MailMessage(message, to: mail.to, from: mail.from).text.utf8), within: seconds,
            isAbandoned: isAbandoned)
    }
}
