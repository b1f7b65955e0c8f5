"""How a command ends; a contract with scripts."""

EXIT_ERROR = 1
EXIT_INTERRUPTED = 130
