"""The command line: arguments in, exit codes out. Everything else is done elsewhere."""
