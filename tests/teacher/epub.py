"""The book as an EPUB, for a reader without a network. It needs pandoc.

All pages become one text, in the order of SUMMARY.md: what they include is put
in, and a link to another page becomes a link to a place in this text. What
needs the script of the pages is left out: there is no machine to talk to.
"""

import re
import subprocess
from pathlib import Path

from markdown import INCLUDE, ROOT, included

HERE = Path(__file__).resolve().parent
BOOK = ROOT / "book" / "src"


def make(out):
    """Writes the EPUB, or says why not."""
    text = "\n\n".join(page(path) for path in pages())
    about = (ROOT / "book" / "book.toml").read_text()
    title = re.search(r'title = "(.*)"', about)[1]
    command = [
        "pandoc", "--from", "markdown-tex_math_dollars-smart-yaml_metadata_block"
        "-auto_identifiers-citations-footnotes-example_lists-superscript-subscript",
        "--to", "epub3", "--toc-depth", "2", "--epub-chapter-level", "1",
        "--css", str(HERE / "epub.css"), "--metadata", f"title={title}",
        "--metadata", "lang=en", "--output", str(out),
    ]
    try:
        subprocess.run(command, input=text, text=True, check=True, cwd=BOOK)
    except FileNotFoundError:
        return "no EPUB: it needs pandoc"
    return f"an EPUB: {out}"


def pages():
    """The pages of the table of contents, in its order."""
    summary = (BOOK / "SUMMARY.md").read_text()
    return [BOOK / name for name in re.findall(r"\]\((.+?\.md)\)", summary)]


def key(path):
    """What the ids of a page begin with: a letter, as XML wants it."""
    return "page-" + path.relative_to(BOOK).as_posix().replace("/", "-")[: -len(".md")]


def page(path):
    """One page of the book as a part of the whole text."""
    lines, used, is_code = [], set(), False
    for line in whole(path):
        if line.startswith("```"):
            # `text,smtp` is two classes for mdBook and none for pandoc.
            line = re.sub(r"^(`+)(\w+).*", r"\1\2", line)
            is_code = not is_code
        elif not is_code:
            line = heading(path, line, used).replace("<br>", "<br />")
            line = re.sub(r'\bid="([^"]*)"', rf'id="{key(path)}--\1"', line)
            line = re.sub(r"\]\(([^)]+)\)", lambda link: target(path, link), line)
        lines.append(line)
    return "\n".join(lines)


def whole(path):
    """The lines of a page with its includes, without what needs a script."""
    lines, is_code = [], False
    for line in path.read_text().splitlines():
        is_code ^= line.startswith("```")
        found = INCLUDE.fullmatch(line)
        if not found:
            lines.append(line)
        elif "generated/talk-" not in found[1]:
            text, _ = included(path, found[1], found[2])
            more = text.splitlines()
            lines += more if is_code else [
                line for line in more if not re.match(r"</?div", line)]
    return lines


def heading(path, line, used):
    """A heading gets the id that mdBook gives it, with its page before it."""
    found = re.match(r"(#+) (.*)", line)
    if not found:
        return line
    name = first = identifier(found[2])
    number = 0
    while name in used:
        number += 1
        name = f"{first}-{number}"
    used.add(name)
    return f"{found[1]} {found[2]} {{#{key(path)}--{name}}}"


def identifier(words):
    shown = re.sub(r"\[(.*?)\]\(.*?\)", r"\1", words).replace("--", "")
    name = re.sub(r"[^\w\s-]", "", shown.strip().lower())
    return re.sub(r"\s", "-", name)


def target(path, link):
    """Where a link leads in the whole text."""
    to, _, place = link[1].partition("#")
    if "://" in to:
        return link[0]
    other = (path.parent / to).resolve() if to else path
    if other.suffix == ".md" and other.is_relative_to(BOOK):
        # A link without a place leads to the top of its page.
        place = place or identifier(other.read_text().split("\n")[0][2:])
        return f"](#{key(other)}--{place})"
    if other.suffix in (".svg", ".png"):
        return f"]({other.relative_to(BOOK).as_posix()})"
    return link[0]
