"""The code blocks of a page, and how they are followed: one after the other, in one project.

What a block is for stands behind the language in its first line:

    ```toml file=gates.toml        written to that file; append=gates.toml adds to it
    ```python                      run, all blocks of a page in one module
    ```output                      what the block before it prints
    ```console                     `$ command`, and what it prints; `...` stands for anything
    ```console not run: WHY        shown only
    ```python run by tests/x.py    run there

`$ echo $?` asks how the command before it ended; where it is not asked the code has to be 0.
"""

import re
import runpy
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from gatekit import cli

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^( *)```(\w+)([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Block:
    """One block; `words` is what stands behind its language, `line` where it begins."""

    language: str
    words: str
    text: str
    line: int

    @property
    def is_run_here(self):
        return self.language in ("python", "console") and not self.words

    @property
    def file(self):
        found = re.match(r"(?:file|append)=(\S+)$", self.words)
        return found and found[1]


def pages():
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page):
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            found[2],
            found[3].strip(),
            re.sub(f"^{found[1]}", "", found[4], flags=re.MULTILINE),
            text[: found.start()].count("\n") + 1,
        )
        for found in FENCE.finditer(text)
    ]


def steps(block):
    """Each command of a console block with the lines that it is said to print."""
    parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
    assert not parts[0], f"line {block.line}: a console block begins with `$ `"
    return [(first, rest) for first, _, rest in (part.partition("\n") for part in parts[1:])]


def expected(shown):
    """A pattern of what is shown."""
    pattern = ""
    for line in shown.rstrip("\n").split("\n"):
        if line.strip() == "...":
            pattern += r"(?:[^\n]*\n)*?"
            continue
        words = re.escape(line.rstrip()).replace(re.escape("..."), r"[^\n]*?")
        pattern += words + r"[ ]*\n"
    return re.compile(pattern)


class Follower:
    """Somebody who does what a page says, in the folder they stand in."""

    def __init__(self, pytester, monkeypatch, capsys, instead=()):
        self.pytester, self.monkeypatch, self.capsys = pytester, monkeypatch, capsys
        self.instead = dict(instead)  # words of a command, and what is done in their place
        self.names = {"__name__": "page"}
        self.exported = {}
        self.code = 0
        self.unread = ""

    def follow(self, block):
        if block.file:
            mode = "a" if block.words.startswith("append") else "w"
            path = Path(block.file)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open(mode) as stream:
                stream.write(block.text)
        elif block.is_run_here and block.language == "python":
            self.capsys.readouterr()
            exec(compile(block.text, f"line {block.line}", "exec"), self.names)
            self.unread = self.capsys.readouterr().out
        elif block.language == "output":
            assert expected(block.text).fullmatch(self.unread), self.unread
        elif block.is_run_here:
            for command, shown in steps(block):
                said = self.run(command)
                if shown.strip():
                    wanted = expected(shown)
                    assert wanted.fullmatch(said.strip("\n") + "\n"), (
                        f"$ {command}\n{said}\n-- shown:\n{shown}"
                    )
            assert self.code == 0, f"line {block.line}: exit code {self.code}\n{said}"

    def run(self, command):
        """What it prints, each line ended."""
        if command == "echo $?":
            code, self.code = self.code, 0
            return f"{code}\n"
        assert self.code == 0, f"$ {command}: the one before ended with {self.code}\n{self.unread}"
        self.unread = self._printed(command)
        return "\n".join(line.rstrip() for line in self.unread.split("\n"))

    def _printed(self, command):
        if command in self.instead:
            command = self.instead[command]
        if callable(command):
            command()
            return ""
        if command.startswith("export "):
            name, _, value = command.removeprefix("export ").partition("=")
            self.exported[name] = value
            return ""
        for name, value in self.exported.items():  # a run takes its key out of the environment
            self.monkeypatch.setenv(name, value)
        program, *arguments = shlex.split(command, comments=True)
        return {"gatekit": self._gatekit, "pytest": self._pytest, "python": self._python}[program](
            arguments
        )

    def _gatekit(self, arguments):
        self.capsys.readouterr()
        self.code = cli.main(arguments)
        said = self.capsys.readouterr()
        return said.out + said.err

    def _pytest(self, arguments):
        done = self.pytester.runpytest_inprocess(*arguments)
        self.code = int(done.ret)
        self.capsys.readouterr()
        return done.stdout.str() + "\n" + done.stderr.str()

    def _python(self, arguments):
        self.capsys.readouterr()
        runpy.run_path(*arguments, run_name="__main__")
        return self.capsys.readouterr().out


class Person(Follower):
    """The same with real processes, as a person has them."""

    def __init__(self, environment, instead=()):
        super().__init__(None, None, None, instead)
        self.environment = environment

    def _printed(self, command):
        if command.startswith("export "):
            name, _, value = command.removeprefix("export ").partition("=")
            self.environment[name] = value
            return ""
        program, *arguments = shlex.split(command, comments=True)
        done = subprocess.run(
            [str(BIN / program), *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        self.code = done.returncode
        return done.stdout + done.stderr
