"""Writes docs/reference.md from the code: python docs/reference.py, or make reference.

What the code cannot say of itself (what a hook of pytest is used for, what a variable of the
environment means, what an exit code stands for) stands in reference_words.py. A name without words,
and words without a name, are an error.
"""

import argparse
import ast
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from reference_words import CODES, DEPLOYMENT, HOOKS, PROJECT, VARIABLES

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference.md"
ROOMS = ("gatekit", "plugins", "service/gatekit_service")
NOT_READ = "gatekit/testing/zoo"  # its variables are bait for models
DEPLOY = ROOT / "service" / "deploy" / "deploy"
VARIABLE = re.compile(
    r"(?:GATEKIT|MLFLOW|CI|GITHUB|GITLAB|XDG|NGROK|OMP|OPENBLAS|MKL|VECLIB|NUMEXPR|LD|DO_NOT)_[A-Z_]+"
)
HEAD = """# Reference

Every option, fixture, marker, hook, command, setting, variable, error and exit code, taken from
the code by `make reference`; a test compares. The keys of the policy are described in
[the policy](policy.md), the fields of the report in [the report](report.md), public names of Python
in [the public names](api.md).
"""


def written() -> str:
    """The whole page."""
    sections = (
        _options, _fixtures, _marker, _hooks, _commands, _project, _service, _variables,
        _deployment, _policy, _errors, _codes,
    )  # fmt: skip
    return "\n".join([HEAD, *("\n".join(section()).rstrip() + "\n" for section in sections)])


def matched(found: Iterable[str], words: dict[str, str], what: str) -> dict[str, str]:
    """`words`, if they are about what was found and nothing else.

    Raises:
        LookupError: a name without words, or words without a name.
    """
    found = set(found)
    if lacking := sorted(found - set(words)):
        raise LookupError(f"{what} without words in docs/reference_words.py: {', '.join(lacking)}")
    if beyond := sorted(set(words) - found):
        raise LookupError(f"no such {what}: {', '.join(beyond)}")
    return words


def _entry(name: str, text: str, level: int = 3) -> list[str]:
    text = " ".join(text.split())
    text = text if text.endswith((".", ":", "`")) else text + "."
    if re.match(r"[a-z]+\b(?![:.(/])", text):
        text = text[0].upper() + text[1:]
    return [f"{'#' * level} `{name}`", "", text, ""]


def _help(action: argparse.Action) -> str:
    return (action.help or "") % {**vars(action), "prog": ""}


def _options() -> Iterator[str]:
    import pytest

    from gatekit_pytest.options import add_options

    parser = pytest.Parser(_ispytest=True)
    add_options(parser)
    yield "## Options of pytest\n"
    for option in parser.getgroup("gatekit").options:
        said = option.attrs()
        shown = said.get("metavar") or "|".join(said.get("choices") or ())
        yield from _entry(f"{option.names()[0]} {shown}".rstrip(), said["help"])


def _fixtures() -> Iterator[str]:
    from gatekit_pytest import fixtures, plugin

    yield "## Fixtures\n"
    trees = ast.parse(Path(fixtures.__file__).read_text(encoding="utf-8")).body
    words = {node.name: ast.get_docstring(node) for node in trees if _is_function(node)}
    for name in plugin.__all__:
        yield from _entry(name, words[name] or "")


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef)


def _marker() -> Iterator[str]:
    yield "## Marker\n"
    yield from _entry(
        '@pytest.mark.gate("NAME")',
        "This test belongs to the gate NAME: its comparisons go to the ledger, and NAME may stand "
        "in `requires`. Built-in names have a table `[gates.NAME]`, all others `[own.NAME]`.",
    )


def hooks() -> set[str]:
    """The hooks of pytest that the plugin implements."""
    return {
        node.name
        for file in (ROOT / "plugins" / "gatekit_pytest").glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("pytest_")
    }


def _hooks() -> Iterator[str]:
    yield "## Hooks of pytest that the plugin implements\n"
    yield "It declares none of its own. Without `--model-uri` the first two alone are called.\n"
    for name, text in matched(hooks(), HOOKS, "hook").items():
        yield from _entry(name, text)


def commands() -> dict[str, argparse.ArgumentParser]:
    """The subcommands of `gatekit`, and those below them, by their whole name."""
    from gatekit.cli import _parser

    found: dict[str, argparse.ArgumentParser] = {}

    def look(parser: argparse.ArgumentParser, name: str) -> None:
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                about = {each.dest: each.help for each in action._choices_actions}
                for word, sub in action.choices.items():
                    sub.epilog = about.get(word) or sub.description
                    found[f"{name} {word}"] = sub
                    look(sub, f"{name} {word}")

    look(_parser(), "gatekit")
    return found


def _commands() -> Iterator[str]:
    yield "## Commands\n"
    for name, parser in commands().items():
        yield from _entry(name, parser.description or parser.epilog or "")
        for action in parser._actions:
            if isinstance(action, argparse._HelpAction | argparse._SubParsersAction):
                continue
            shown = action.metavar or "|".join(map(str, action.choices or ()))
            takes = f" {shown}" if shown and action.nargs != 0 else ""
            flag = max(action.option_strings, key=len, default="")
            yield from _entry(f"{name} {flag}{takes}".replace("  ", " "), _help(action), 4)


def _project() -> Iterator[str]:
    text = (ROOT / "gatekit" / "project.py").read_text(encoding="utf-8")
    (known,) = re.findall(r"if key not in \((.+?)\)", text)
    yield "## Settings of the project: pyproject.toml\n"
    for key, text in matched(re.findall(r'"(\w+)"', known), PROJECT, "key").items():
        yield from _entry(f"[tool.gatekit] {key}", text)


def _service() -> Iterator[str]:
    from gatekit_service.settings import KEYS, PREFIX

    page = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(GATEKIT_\w+)` \| ([^|]+) \| (.+) \|$", page, re.MULTILINE)
    words = {name: f"{text}. Default: {default}" for name, default, text in rows}
    yield "## Settings of the service: environment\n"
    for name, text in matched([PREFIX + key for key in KEYS], words, "setting").items():
        yield from _entry(name, text)


@cache
def variables() -> set[str]:
    """The environment variables that the code names, those of the service's settings apart."""
    from gatekit_service.settings import KEYS, PREFIX

    found = {
        node.value
        for room in ROOMS
        for file in (ROOT / room).rglob("*.py")
        if not file.is_relative_to(ROOT / NOT_READ)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    named = {value for value in found if VARIABLE.fullmatch(value)}
    return named - {PREFIX + key for key in KEYS}


def _variables() -> Iterator[str]:
    yield "## Variables of the environment, for gates and commands\n"
    for name, text in matched(variables(), VARIABLES, "variable").items():
        yield from _entry(name, text)


def deployment() -> set[str]:
    """The variables that service/deploy/deploy reads."""
    text = DEPLOY.read_text(encoding="utf-8")
    return set(re.findall(r'(?:setting|environ\.get)\("(\w+)"', text)) | set(
        re.findall(r"^    ([A-Z_]+)  +\S", text, re.MULTILINE)
    )


def _deployment() -> Iterator[str]:
    yield "## Variables of `service/deploy/deploy`\n"
    yield "Those of `service/deploy/image` stand in [deployment](deploy.md).\n"
    for name, text in matched(deployment(), DEPLOYMENT, "variable of deploy").items():
        yield from _entry(f"deploy: {name}", text)


def _policy() -> Iterator[str]:
    page = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")
    yield "## Tables of the policy\n"
    for found in re.finditer(r"^##+ (.*\[.*)$", page, re.MULTILINE):
        section = page[found.end() :].partition("\n#")[0]
        keys = dict.fromkeys(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
        anchor = re.sub(r"[^\w\- ]", "", found[1].lower()).replace(" ", "-")
        bars = ["bars of your own"] if "[own." in found[1] else []
        listed = ", ".join([*(f"`{key}`" for key in keys), *bars])
        yield from _entry(found[1], f"[{listed}](policy.md#{anchor})", 3)


def errors() -> dict[str, tuple[str, str]]:
    """Every class of error a user may meet: its base, and what it says of itself."""
    known = {"GatekitError": ("Exception", "")}
    for room in ("gatekit", *ROOMS[1:]):
        for file in sorted((ROOT / room).rglob("*.py"), key=lambda f: f.name != "errors.py"):
            for node in ast.parse(file.read_text(encoding="utf-8")).body:
                bases = (
                    [ast.unparse(b) for b in node.bases] if isinstance(node, ast.ClassDef) else []
                )
                if bases and (bases[0] in known or node.name in known):
                    known[node.name] = (bases[0], ast.get_docstring(node) or "")
    return known


def _errors() -> Iterator[str]:
    yield "## Errors\n"
    yield "All are in `gatekit.errors`, `Refused` apart, which is the service's. They have"
    yield "`message` and `hint`. In `gatekit` those under `UsageProblem` end with exit code 4, the"
    yield "others with 1. In pytest whatever goes wrong before the first test ends with 4; later it"
    yield "is a gate that failed, and 1.\n"
    for name, (base, text) in errors().items():
        yield from _entry(name, f"{text} A kind of `{base}`.")


def _codes() -> Iterator[str]:
    yield "## Exit codes\n"
    for program, codes in CODES.items():
        for code, text in codes.items():
            yield from _entry(f"{program}: {code}", text)


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")
    sys.stdout.write(f"{PAGE} has {written().count(chr(10) + '#')} headings\n")
