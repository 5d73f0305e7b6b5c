"""The Markdown of the book, as far as slides and sheets need it.

`read` gives a page as a list of `Part`s, with what it includes put in;
`to_html` and `inline` make HTML of them. It knows the Markdown that this book
is written in, not all of it.
"""

import html
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r"\s*\{\{#include ([^:}]+)(?::([\w-]+))?\}\}\s*")


@dataclass
class Part:
    """A paragraph, a list and so on.

    `kind` is heading, text, list, code, picture, table or quote. `fold` is the
    name of the folded part in which it is: Answer, Hint, For the instructor.
    """

    kind: str
    text: str
    level: int = 0
    info: str = ""  # of code; of a picture, where it is
    source: str = ""  # of code that was included: its file
    fold: str = ""
    items: tuple = ()  # of a list: texts; of a table: rows of cells


def included(page, target, anchor):
    """The text that an include puts in, and its file, from the root."""
    path = (page.parent / target).resolve()
    lines = path.read_text().splitlines()
    if anchor:
        lines = between(lines, anchor)
    lines = [line for line in lines if not re.search(r"ANCHOR(_END)?:", line)]
    return "\n".join(lines), path.relative_to(ROOT).as_posix()


def between(lines, anchor):
    """The lines between the two marks of an anchor."""
    marks = [rf"ANCHOR{end}:\s*{re.escape(anchor)}\b" for end in ("", "_END")]
    first, last = (
        next(n for n, line in enumerate(lines) if re.search(mark, line))
        for mark in marks
    )
    return lines[first + 1 : last]


def read(page):
    """The parts of a page."""
    lines = []
    for line in page.read_text().splitlines():
        found = INCLUDE.fullmatch(line)
        # In a block, `code` looks at it: there the name of the file is needed.
        if found and not (lines and lines[-1].startswith("```")):
            text, _ = included(page, found[1], found[2])
            lines += text.splitlines()
        else:
            lines.append(line)
    parts, fold, at = [], "", 0
    while at < len(lines):
        line = lines[at]
        # Those of the page's machine are written in one line.
        if re.fullmatch(r"<details[^>]*>", line):
            fold = re.fullmatch(r"<summary>(.*)</summary>", lines[at + 1])[1]
            at += 2
        elif line == "</details>":
            fold, at = "", at + 1
        elif not line.strip() or line.startswith("<"):
            at += 1
        else:
            part, at = one(page, lines, at)
            part.fold = fold
            parts.append(part)
    return parts


def one(page, lines, at):
    """The part that begins in this line, and where the next one may."""
    line = lines[at]
    if found := re.match(r"(#+) (.*)", line):
        return Part("heading", found[2], level=len(found[1])), at + 1
    if line.startswith("```"):
        return code(page, lines, at)
    end = at
    while end < len(lines) and belongs(lines, at, end):
        end += 1
    block = lines[at:end]
    text = "\n".join(block)
    if line.startswith("!["):
        alt, path = re.match(r"!\[(.*?)\]\((.*?)\)", text, re.DOTALL).groups()
        return Part("picture", alt, info=path), end
    if line.startswith("|"):
        rows = [cells(row) for row in block if not re.match(r"\|[-|: ]+$", row)]
        return Part("table", text, items=tuple(rows)), end
    if line.startswith(">"):
        return Part("quote", re.sub(r"(?m)^> ?", "", text)), end
    if re.match(r"(-|\d+\.) ", line):
        items = re.split(r"(?m)^(?:-|\d+\.) ", text)[1:]
        items = tuple(re.sub(r"(?m)^ {2,3}", "", item).strip() for item in items)
        return Part("list", text, info=line[0], items=items), end
    return Part("text", text), end


def belongs(lines, first, at):
    """Whether a line belongs to the part that began in the line `first`."""
    line = lines[at]
    if at == first:
        return True
    if not re.match(r"(-|\d+\.) ", lines[first]):
        starts = ("```", "<", "#", "|" if lines[first][0] != "|" else "\0")
        return bool(line.strip()) and not line.startswith(starts)
    if line.strip():
        return line.startswith((" ", "-")) or bool(re.match(r"\d+\. ", line))
    # An empty line in a list: more of it, if what follows is set in.
    following = lines[at + 1] if at + 1 < len(lines) else ""
    return following.startswith("  ")


def code(page, lines, at):
    """A fenced block; what it includes is put in."""
    info = lines[at].strip("`").strip()
    end = next(n for n in range(at + 1, len(lines)) if lines[n] == "```")
    text, source = "\n".join(lines[at + 1 : end]), ""
    if found := INCLUDE.fullmatch(text):
        text, source = included(page, found[1], found[2])
    return Part("code", text, info=info, source=source), end + 1


def cells(row):
    return tuple(cell.strip() for cell in row.strip().strip("|").split("|"))


def inline(text):
    """Code, links, bold and italic letters."""
    kept = []

    def keep(found):
        inner = found[2].strip() if found[2].startswith(" `") else found[2]
        kept.append(f"<code>{html.escape(' '.join(inner.split()))}</code>")
        return f"\0{len(kept) - 1}\0"

    def escaped(found):
        kept.append(html.escape(found[1]))
        return f"\0{len(kept) - 1}\0"

    text = re.sub(r"(?s)(`+)(.+?)\1", keep, text)
    text = re.sub(r"\\([*_<>\\`])", escaped, text)
    text = html.escape(text, quote=False).replace("&lt;br&gt;", "<br>")
    text = re.sub(r"(?s)\[(.+?)\]\((.+?)\)", r"\1", text)
    text = re.sub(r"(?s)\*\*(.+?)\*\*", r"<strong>\1</strong>", text)
    text = re.sub(r"(?s)(?<!\w)\*(?!\s)(.+?)\*", r"<em>\1</em>", text)
    text = re.sub(r"(?s)(?<!\w)_(?!\s)(.+?)_(?!\w)", r"<em>\1</em>", text)
    return re.sub(r"\0(\d+)\0", lambda found: kept[int(found[1])], text)


def to_html(part):
    """One part as HTML. Pictures are not for here."""
    if part.kind == "code":
        return f"<pre>{html.escape(part.text)}</pre>"
    if part.kind == "list":
        name = "ol" if part.info.isdigit() else "ul"
        items = "".join(f"<li>{with_blocks(item)}</li>" for item in part.items)
        return f"<{name}>{items}</{name}>"
    if part.kind == "table":
        head, *rows = part.items
        body = [f"<tr>{''.join(f'<th>{inline(c)}</th>' for c in head)}</tr>"]
        for row in rows:
            body.append(f"<tr>{''.join(f'<td>{inline(c)}</td>' for c in row)}</tr>")
        return f"<table>{''.join(body)}</table>"
    if part.kind == "quote":
        return f"<blockquote><p>{inline(part.text)}</p></blockquote>"
    if part.kind == "heading":
        return f"<h3>{inline(part.text)}</h3>"
    return f"<p>{inline(part.text)}</p>"


def with_blocks(text):
    """An item of a list: text, and perhaps blocks of code in it."""
    out = []
    for number, piece in enumerate(re.split(r"(?m)^\s*```.*\n?", text)):
        if number % 2:
            out.append(f"<pre>{html.escape(piece.rstrip())}</pre>")
        elif piece.strip():
            out.append(f"<p>{inline(piece.strip())}</p>")
    return "".join(out)
