import MIOBase
import MIOJob

/// Gives a program the message as JSON to read.
struct CommandSender: NotificationSender {
    let arguments: [String]
    let environment: [String: String]

    var name: String { "command \(arguments[0].shown(most: 300))" }
    var mostTries: Int { 1 }

    func send(_ message: NotificationMessage, within seconds: Double, isAbandoned: () -> Bool) -> SendOutcome
    {
        do {
            return ProgramCall(arguments, environment: environment).outcome(
                reading: Array((try message.json() + "\n").utf8), within: seconds, isAbandoned: isAbandoned)
        } catch { return .failed("\(error)", mayBeTriedAgain: false) }
    }
}
