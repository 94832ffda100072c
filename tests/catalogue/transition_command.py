"""`jaxbounce transition` of a file, in a process of its own."""

import json
import subprocess
import sys


def result_of(text, directory):
    """What the command writes of a TOML text.

    Without the checker of shapes: bounces at once are many calls.
    """
    file, out = directory / "model.toml", directory / "out.json"
    file.write_text(text)
    command = [sys.executable, "-m", "jaxbounce.cli", "transition", str(file), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(out.read_text())
