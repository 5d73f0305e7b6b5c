"""Dialogues with one reply left out, for the bank of questions.

They come from the transcripts with a stage and a level other than `own`: what
every server must do, or should. `gaps` gives the replies that are worth a
question: each refusal, each 354, and the last word on a message.
"""

import re
from dataclasses import dataclass

from markdown import ROOT

# More lines are too many to read in an examination.
MOST_LINES = 24
# Codes that a reader could take for the answer to this command.
CODES_OF = {
    "EHLO": ["250", "503", "501", "502"],
    "HELO": ["250", "503", "501", "502"],
    "MAIL": ["503", "501", "250", "555", "552"],
    "RCPT": ["550", "503", "501", "250", "452"],
    "DATA": ["354", "503", "554", "250"],
    "RSET": ["250", "503", "501", "221"],
    "QUIT": ["221", "250", "503", "501"],
    "VRFY": ["252", "250", "550", "502"],
    "HELP": ["214", "250", "502", "504"],
    "NOOP": ["250", "502", "503", "501"],
    "": ["500", "501", "502", "503", "250"],
    ".": ["250", "354", "550", "552", "451"],
}


@dataclass
class Gap:
    path: str
    line: int
    title: str
    spec: str
    stage: int
    verb: str
    code: str
    also: tuple
    talk: tuple

    def is_right(self, code):
        """Whether this code would be right as well."""
        return code == self.code or any(
            code == other or (other[1:] == "xx" and code[0] == other[0])
            for other in self.also
        )


def gaps():
    """All gaps of all transcripts, in the order of their files."""
    for path in sorted((ROOT / "transcripts").glob("[0-9]*/*.txt")):
        lines = path.read_text().splitlines()
        empty = lines.index("")
        head = dict(line.split(": ", 1) for line in lines[:empty])
        is_asked = head["Level"] != "own" and "Stage" in head
        # Two clients, or bytes without a line: too much for a sheet of paper.
        is_plain = not re.search(r"(?m)^([CS]\d|C>)", "\n".join(lines))
        if is_asked and is_plain:
            name = path.relative_to(ROOT).as_posix()
            yield from of(name, head, lines, empty + 1)


def of(path, head, lines, first):
    """The gaps of one transcript that are worth a question: two at most."""
    found = [gap for gap in all_of(path, head, lines, first)
             if gap.code[0] in "45" or gap.code == "354" or gap.verb == "."]
    found = [gap for gap in found if len(gap.talk) <= MOST_LINES]
    refusals = [gap for gap in found if gap.code[0] in "45"]
    others = [gap for gap in found if gap.code[0] not in "45"]
    yield from refusals[:2] or others[-1:]


def all_of(path, head, lines, first):
    """A gap for each reply of one line that answers a command."""
    waiting, is_text = [], False
    for at in range(first, len(lines)):
        line = lines[at]
        if line.startswith("C:"):
            text = line[2:].strip()
            if is_text:
                if text == ".":
                    waiting, is_text = waiting + ["."], False
            else:
                verb = text.split(" ")[0].upper()
                waiting.append(verb if verb in CODES_OF else "")
        if line == "S: ...":
            waiting = waiting[1:]
        found = re.match(r"S: (\d{3}) ", line)
        if not found:
            continue
        verb = waiting.pop(0) if waiting else None
        is_text = found[1] == "354"
        if verb is None:
            continue
        yield Gap(path, at + 1, head["Title"], head.get("Spec", ""),
                  int(head["Stage"]), verb, found[1], also(lines, at),
                  before(lines, first, at))


def also(lines, at):
    """The other codes that the transcript allows here."""
    words = []
    for line in lines[at + 1 :]:
        found = re.match(r"\((?:also right|passed with): (.*)\)", line)
        if not found:
            break
        words += found[1].split()
    return tuple(words)


def before(lines, first, at):
    """The talk up to the gap, without notes; the texts of replies are holes."""
    talk = [line for line in lines[first:at] if not line.startswith(("#", "("))]
    talk = [line.replace("{host}", "mx.example.org") for line in talk]
    talk = [re.sub(r" ?\{\.\.\.\}", " ...", line) for line in talk]
    return tuple(line for line in talk if line.strip()) + ("S: ???",)
