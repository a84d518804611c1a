CoordinatorCommand.runAndExit()
