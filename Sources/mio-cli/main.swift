MIOCommand.runAndExit()
