"""The page about performance does what it says; shortened, for the figures are not checked."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for block in re.findall(r"```bash\n(.*?)```", PAGE, flags=re.DOTALL)
    for line in block.splitlines()
]
SHORT = {
    "benchmark": ["--limit", "0.05", "--repeats", "1", "--batch-sizes", "1", "--file", "10"],
    "export": [],
    "network_options.py": ["--turns", "1", "-n", "200", "--batch-sizes", "1"],
}


def test_the_page_has_commands() -> None:
    assert len(COMMANDS) == 5


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_commands(command: str, tmp_path: Path) -> None:
    pytest.importorskip("mplhep", reason="needs the extra evaluate")
    pytest.importorskip("onnx", reason="needs the extra train")
    words = shlex.split(command.replace("--with geant4 ", ""))  # whose showers take their time
    if words[0] == "calogan":
        start = ["-m", "calogan", *words[1:]]
        kind = words[1]
    else:
        start = [str(ROOT / words[1]), *words[2:]]
        kind = Path(words[1]).name
    done = subprocess.run(
        [sys.executable, *start, *SHORT[kind]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for option in ("--json", "--plot"):
        if option in words:
            assert (tmp_path / words[words.index(option) + 1]).stat().st_size > 1000


@pytest.mark.slow
def test_python(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    script = tmp_path / "script.py"
    script.write_text(code)
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2
