import MIOCommandLine

BenchCommand.checkedMain()
