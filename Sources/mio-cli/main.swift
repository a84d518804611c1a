import Foundation

// A file that may not grow (`ulimit -f`) ends a program with a message, not without one.
signal(SIGXFSZ, SIG_IGN)
MIOCommand.runAndExit()
