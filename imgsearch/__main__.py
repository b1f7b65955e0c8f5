"""Run the command line: `imgsearch`, or `python -m imgsearch`."""

from imgsearch.cli.interrupts import leave_at_once


def main() -> None:
    """Load the command line and run it; see `imgsearch.cli.main.main`."""
    leave_at_once()
    from imgsearch.cli.main import main as run  # it loads for a while, and may be interrupted

    run()


if __name__ == "__main__":
    main()
