"""Run the command line with `python -m imgsearch`."""

from imgsearch.cli.main import main

if __name__ == "__main__":
    main()
